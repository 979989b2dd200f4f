// What somebody who knows the kernel would change on a blade that hangs.
using System.Globalization;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Advising;

/// <summary>One change to a blade, not yet tried.</summary>
/// <param name="Keys">Keys below the blade's table with their values, as a scenario has them.</param>
/// <param name="What">The change in words.</param>
public sealed record Remedy(IReadOnlyList<(string Key, string Value)> Keys, string What);

/// <summary>
/// Lists the changes worth a try, best first: what the series brought, then what administrators do. Whether one helps
/// is not said here: each is run.
/// </summary>
public static class Remedies
{
    // What lets the swap socket send from the reserve: patch 14 and all that it needs.
    private static readonly int[] SendHalf = [3, 7, 8, 14];

    // What lets replies and ACKs in: receive buffers, and the privilege in softirq.
    private static readonly int[] ReceiveHalf = [4, 9, 12];

    /// <summary>The changes for a blade of <paramref name="group"/>; none that it has already.</summary>
    public static IEnumerable<Remedy> For(BladeGroup group)
    {
        foreach (var (patches, what) in PatchChoices(group.Rules.Patches))
        {
            yield return One("patches", patches.ToString(), what);
        }

        var reserve = group.MinFreeKbytes ?? OwnReserve(group);
        yield return One(
            "min_free_kbytes", (reserve * 4).ToString(CultureInfo.InvariantCulture), "four times the reserve");
        yield return group.Slab == ScenarioSlab.Slub
            ? One("slab", "slab", "the other slab allocator")
            : One("slab", "slub", "the other slab allocator");
        if (group.Nic.Sg)
        {
            yield return new Remedy(
                [("nic.sg", "false"), ("nic.tso", "false")], "a card that does not gather: payload lives in slab objects");
        }

        if (group.ProcessesPerCpu > 1)
        {
            yield return One(
                "processes_per_cpu", (group.ProcessesPerCpu / 2).ToString(CultureInfo.InvariantCulture),
                "half of the processes on the same memory");
        }
    }

    private static IEnumerable<(PatchSet Patches, string What)> PatchChoices(PatchSet has)
    {
        var missing = Enumerable.Range(1, PatchSet.Count).Where(number => !has.Has(number)).ToArray();
        if (missing.Length == 0)
        {
            yield break;
        }

        var send = SendHalf.Aggregate(has, (set, number) => set.With(number));
        var receive = ReceiveHalf.Aggregate(send, (set, number) => set.With(number));
        yield return (PatchSet.All, missing.Length == 1 ? $"with patch {missing[0]}" : "all sixteen patches");
        if (send != has && send != PatchSet.All)
        {
            yield return (send, "the swap socket may send from the reserve: patch 14 and what it needs");
        }

        if (receive != send && receive != PatchSet.All)
        {
            yield return (receive, "and it may receive from it: patches 4, 9 and 12");
        }
    }

    // The kernel's own value, as it sets it at boot.
    private static long OwnReserve(BladeGroup group) =>
        Kernel.Memory.ZoneWatermarks.MinFreeKbytes(group.RamPages);

    private static Remedy One(string key, string value, string what) => new([(key, value)], what);
}
