// A look at a run from a process that takes no part in it.
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;

namespace ClusterSwap.Clustering;

/// <summary>Asks a node of a cluster, without joining.</summary>
public static class StatusProbe
{
    /// <summary>The status of the run that the cluster works on; an empty one when there is none.</summary>
    /// <exception cref="ClusterRunException">No node answers.</exception>
    public static RunStatus Ask(NodeHostOptions options)
    {
        BindRules.Check(options);
        string[] seeds = [.. options.SeedNodes.Select(seed => SeedProbe.AddressOf(seed, options.Tls is not null))];
        BootstrapSetup bootstrap = BootstrapSetup.Create().WithConfig(NodeHost.ConfigOf(options));
        ActorSystemSetup setup = options.Tls is null
            ? ActorSystemSetup.Create(bootstrap)
            : ActorSystemSetup.Create(bootstrap, options.Tls.Setup());
        using ActorSystem system = ActorSystem.Create(NodeHostOptions.SystemName, setup);
        return SeedProbe.Ask<RunStatus>(system, seeds, new AskStatus(), options.JoinPatience)
            ?? throw new ClusterRunException(
                $"no node answers at {string.Join(", ", seeds)} within {options.JoinPatience.TotalSeconds:F0} s");
    }
}
