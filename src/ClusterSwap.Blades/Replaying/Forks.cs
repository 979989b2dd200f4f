// What of a scenario may become another one in the middle of a run, and how.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Blades.Replaying;

/// <summary>A change that a run cannot take in flight; the text says what can.</summary>
public sealed class ForkException(string message) : Exception(message);

/// <summary>
/// Rules are configuration and state is data, so the state of a run can go on under other rules. What shapes the state
/// itself (RAM, processes, the slab allocator, the release) cannot change while it is in use.
/// </summary>
public static class Forks
{
    // By last part of the key. What is not here is part of states or of the topology.
    private static readonly string[] s_inFlight =
    [
        "patches", "min_free_kbytes", "time_limit", "hang_after", "read_time", "write_time", "loss_per_million",
        "bandwidth", "queue", "packets_per_second", "packet_bytes", "name", "description", "resolved_variant",
    ];

    /// <summary>Keys that may change in flight, for messages.</summary>
    public static string Allowed =>
        "patches, min_free_kbytes, link.bandwidth, link.queue, link.loss_per_million, background.packets_per_second, "
        + "background.packet_bytes, costs, a server's bandwidth, queue, read_time and write_time, time_limit, hang_after";

    /// <summary>
    /// An override as a user writes it, for a resolved scenario: <c>patches=...</c> and <c>blade.patches=...</c> mean
    /// every group of blades, <c>server.read_time=...</c> every server.
    /// </summary>
    public static IEnumerable<string> Expand(Scenario scenario, string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        var path = equals < 0 ? text : text[..equals];
        var parts = path.Split('.');
        if (parts is [("time_limit" or "hang_after" or "barrier_interval" or "seed" or "name" or "description")]
            || parts[0] is "blades" or "servers" or "expect")
        {
            return [text];
        }

        return parts[0] == "server"
            ? scenario.Servers.Select(server => $"servers.{server.Name}{text["server".Length..]}")
            : scenario.Blades.Select(group =>
                $"blades.{group.Name}.{(parts[0] == "blade" ? text["blade.".Length..] : text)}");
    }

    /// <summary>Full names of the keys whose values differ, in the order of the first scenario.</summary>
    public static IReadOnlyList<string> Differences(Scenario from, Scenario to)
    {
        var before = Flat(from);
        var after = Flat(to);
        return [.. before.Keys.Concat(after.Keys).Distinct()
            .Where(key => before.GetValueOrDefault(key) != after.GetValueOrDefault(key))];
    }

    /// <summary>Checks that a run of one scenario can go on as another.</summary>
    /// <exception cref="ForkException">It cannot.</exception>
    public static void Check(Scenario from, Scenario to)
    {
        foreach (var key in Differences(from, to))
        {
            if (!s_inFlight.Contains(key.Split('.')[^1]) && !key.Contains(".costs.", StringComparison.Ordinal))
            {
                throw new ForkException(
                    $"{key} cannot change in the middle of a run: what is in memory depends on it. "
                    + $"What can: {Allowed}. To change it from the start, use `run --set`.");
            }
        }

        foreach (var (old, fresh) in from.Blades.Zip(to.Blades))
        {
            if (!SlabCaches.CanFollow((SlabKind)old.Slab, old.Rules, fresh.Rules))
            {
                throw new ForkException(
                    $"blades.{old.Name}.patches: patches 1 and 13 cannot change in the middle of a run with slab = \"slab\", "
                    + "which keeps tags in its arrays. Use `run --set`, or slab = \"slub\".");
            }
        }
    }

    /// <summary>
    /// After a cluster of <paramref name="to"/> took over the states of a run of <paramref name="from"/>: what states
    /// hold of the rules is set anew, as if the kernel had been patched live.
    /// </summary>
    public static void Apply(Cluster cluster, Scenario from, Scenario to)
    {
        var groups = from.Blades.Zip(to.Blades).ToDictionary(pair => pair.Second.Name, pair => pair.First);
        foreach (var place in cluster.Blades)
        {
            var old = groups[place.Group.Name];
            if (old.Rules == place.Group.Rules && old.MinFreeKbytes == place.Group.MinFreeKbytes)
            {
                continue;
            }

            var blade = cluster.Simulation.Actor<Blade>(place.Host, BladeActors.Blade).Inspect;
            blade.Memory.FollowRules(place.Group.Rules, place.Group.MinFreeKbytes);
            MarkSocket(cluster, place, blade.Memory);
        }
    }

    // What NBD_DO_IT did at the start, by the new rules. Live, the static key goes up or down with the mark.
    private static void MarkSocket(Cluster cluster, BladePlace place, MachineMemory memory)
    {
        var socket = cluster.Simulation.Actor<NbdDevice>(place.Host, BladeActors.NbdDevice).Inspect.Socket;
        var flags = SocketFlags.None;
        var allocation = socket.Allocation & ~Kernel.Memory.Gfp.MemAlloc;
        var raised = SocketRules.MarkNbdSocket(place.Group.Rules, ref flags, ref allocation);
        socket.Flags = flags;
        socket.Allocation = allocation;
        if (raised != socket.KeyRaised)
        {
            socket.KeyRaised = raised;
            memory.Skbs.MemallocSockets += raised ? 1 : -1;
            memory.Slabs.MemallocSocketExists = memory.Skbs.MemallocSocketExists;
        }
    }

    private static Dictionary<string, string> Flat(Scenario scenario)
    {
        var flat = new Dictionary<string, string>(StringComparer.Ordinal);
        void Add(string prefix, TomlTable table)
        {
            foreach (var entry in table.Entries)
            {
                if (entry.Value is TomlTable inner)
                {
                    Add($"{prefix}{entry.Key}.", inner);
                }
                else
                {
                    flat[prefix + entry.Key] = entry.Value.Show();
                }
            }
        }

        Add("", TomlReader.Read(scenario.ToToml(), scenario.Name));
        return flat;
    }
}
