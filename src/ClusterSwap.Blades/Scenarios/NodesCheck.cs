// What two NUMA nodes need: CPUs and memory for each, a kernel that is modelled with them, a policy that names one.
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Checks <c>nodes</c> and <c>mempolicy</c> of a group against the rest of it.</summary>
internal static class NodesCheck
{
    // With these, reclaim belongs to the node instead of the zone: modelled for a single node.
    private static readonly KernelChange[] ForOneNode =
    [
        KernelChange.PerCpuHigh, KernelChange.ReclaimRetries, KernelChange.NodeReclaim, KernelChange.KswapdFailures,
        KernelChange.ReclaimThrottle,
    ];

    /// <summary>Adds every problem of <paramref name="group"/> to <paramref name="problems"/>.</summary>
    public static void Run(CheckedTable group, List<ScenarioProblem> problems)
    {
        if (group.Get<long>("nodes") == 1)
        {
            if (group.Get<string>("mempolicy") != MempolicyWords.All[0])
            {
                Add(problems, group, "mempolicy", "a blade with one node has nothing to choose from",
                    "\"default\", or nodes = 2");
            }

            return;
        }

        if (group.Get<long>("cpus") < NodeLayout.MaxNodes)
        {
            Add(problems, group, "nodes", "a node without a CPU", $"1, or cpus of {NodeLayout.MaxNodes} or more");
        }

        Ram(group, problems);
        var changes = ReleaseCheck.Rules(group).Changes;
        var refused = Array.FindAll(ForOneNode, changes.Has);
        if (refused.Length > 0)
        {
            var names = refused.Select(change => change.Info().Name);
            Add(problems, group, "nodes", "reclaim of this kernel is modelled for one node only",
                $"1, or era = \"3.6\", or changes without {string.Join(", ", names)}");
        }
    }

    private static void Ram(CheckedTable group, List<ScenarioProblem> problems)
    {
        var ram = group.Get<long>("ram");
        var flat = group.Get<string>("zones") == "flat";
        var least = NodeLayout.FewestRamPages(flat ? ZoneLayout.Flat : ZoneLayout.DmaDma32);
        if (ram < least)
        {
            Add(problems, group, "nodes", $"ram {Units.Pages(ram)} cannot be split",
                $"1, or ram of at least {Units.Pages(least)}" + (flat ? "" : " (node 0 has to reach beyond DMA)"));
        }
    }

    private static void Add(
        List<ScenarioProblem> problems, CheckedTable table, string key, string what, string allowed) =>
        problems.Add(new ScenarioProblem(table.Place(key), table.Path(key), what, table.Show(key), allowed, null));
}
