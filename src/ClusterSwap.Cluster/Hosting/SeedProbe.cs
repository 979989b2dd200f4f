// Asks a node what it is before anybody joins its cluster.
using Akka.Actor;

namespace ClusterSwap.Clustering;

/// <summary>Finds out early what is wrong with a node that is to be joined, so that it can be told.</summary>
public static class SeedProbe
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(2);

    /// <summary>The address of <c>host:port</c>.</summary>
    /// <exception cref="ClusterRunException">It is none.</exception>
    public static string AddressOf(string seed, bool tls)
    {
        int colon = seed.LastIndexOf(':');
        bool fits = colon > 0 && int.TryParse(seed[(colon + 1)..], out int port) && port is > 0 and <= ushort.MaxValue;
        return fits
            ? $"{(tls ? "akka.ssl.tcp" : "akka.tcp")}://{NodeHostOptions.SystemName}@{seed}"
            : throw new ClusterRunException($"\"{seed}\" is no address of a node. Allowed: HOST:PORT, such as 127.0.0.1:4053.");
    }

    /// <summary>Waits until one of the nodes answers and is of this build; false when none is needed and none
    /// answers.</summary>
    /// <exception cref="ClusterRunException">None answers that is needed, or it is of another build.</exception>
    internal static bool Find(ActorSystem system, string[] seeds, NodeFacts self, TimeSpan patience, bool isNeeded)
    {
        NodeFacts? facts = Ask<NodeFacts>(system, seeds, new AskNode(), patience);
        if (facts is null)
        {
            if (!isNeeded)
            {
                return false;
            }

            throw new ClusterRunException(
                $"no node answers {self.Address} at {string.Join(", ", seeds)} within {patience.TotalSeconds:F0} s. Is one "
                + "running there, may it be reached, and are its certificates of the same authority?");
        }

        if (facts.Build != self.Build)
        {
            throw new ClusterRunException(
                $"node {facts.Address} runs version {facts.Program} ({facts.Build}), this is {self.Program} "
                + $"({self.Build}): one cluster has one build");
        }

        return true;
    }

    /// <summary>Asks nodes in turn; null when none answers.</summary>
    internal static T? Ask<T>(ActorSystem system, string[] seeds, IWireMessage question, TimeSpan patience)
        where T : class
    {
        using var limit = new CancellationTokenSource(patience);
        while (!limit.IsCancellationRequested)
        {
            foreach (string seed in seeds)
            {
                try
                {
                    return system.ActorSelection($"{seed}/user/{NodeAgent.Name}").Ask<T>(question, s_ask, limit.Token).Result;
                }
                catch (AggregateException e) when (e.InnerException is AskTimeoutException or OperationCanceledException)
                {
                    // Not yet, or not at all: that is for the patience to say.
                }
            }
        }

        return null;
    }
}
