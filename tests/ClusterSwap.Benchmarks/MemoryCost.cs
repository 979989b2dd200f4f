// What a simulated page costs in memory of this process.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Benchmarks;

/// <summary>Bytes that clusters take after some virtual time, when their tables have grown.</summary>
public static class MemoryCost
{
    private const int StampBytes = 4;

    /// <summary>
    /// Bytes per page of RAM and swap of the seed's blade, without the server's export, which is a stamp per page.
    /// </summary>
    public static double PerPage()
    {
        var scenario = Scenarios.Of("seed.toml", "swapnbd");
        var group = scenario.Blades[0];
        var bytes = BytesOf(scenario, 2_000_000_000) - StampBytes * group.SwapPages;
        return (double)bytes / (group.RamPages + group.SwapPages);
    }

    /// <summary>
    /// Bytes of a blade with 8 processes beyond those of its pages: twice a blade less one of twice its size. Computed
    /// from two measurements, over sixteen blades each.
    /// </summary>
    public static double PerBlade() => 2 * BladeBytes(times: 1) - BladeBytes(times: 2);

    private static double BladeBytes(int times)
    {
        const int Count = 16;
        var scenario = Scenarios.Blades(Count);
        var group = scenario.Blades[0] with { Cpus = 1 };
        group = group with
        {
            RamPages = group.RamPages * times,
            MappingPages = group.MappingPages * times,
            SwapPages = group.SwapPages * times,
        };
        scenario = scenario with { Blades = new FixedList<BladeGroup>([group]) };
        return (double)BytesOf(scenario, 200_000_000) / Count;
    }

    private static long BytesOf(Scenario scenario, long untilNs)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var cluster = ClusterBuilder.Build(scenario, seed: 1);
        cluster.Simulation.Run(new RunOptions { UntilNs = untilNs, InvariantInterval = 0 });
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(cluster);
        return bytes;
    }
}
