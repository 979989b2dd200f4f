// Single rules of the kernel: allocator, slab caches, scans.
using BenchmarkDotNet.Attributes;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Benchmarks;

/// <summary>Pages and objects, each allocated and freed.</summary>
public class AllocatorBenchmark
{
    private readonly Machine _slub = new(SlabKind.Slub);
    private readonly Machine _slab = new(SlabKind.Slab);

    /// <summary>An order-0 page.</summary>
    [Benchmark]
    public int PagePair() => _slub.PagePair();

    /// <summary>A head of a socket buffer from SLUB.</summary>
    [Benchmark]
    public int SlubPair() => _slub.SlabPair();

    /// <summary>A head of a socket buffer from SLAB.</summary>
    [Benchmark]
    public int SlabPair() => _slab.SlabPair();
}

/// <summary>Reclaim that finds nothing it may take.</summary>
public class ScanBenchmark
{
    private readonly Machine _machine = new();

    /// <summary>Maps the pages, and lets reclaim see them once.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _machine.FillAnonymous();
        _machine.FruitlessReclaim();
    }

    /// <summary>One whole reclaim; <see cref="BudgetSummary"/> prints the time per page.</summary>
    [Benchmark]
    public long FruitlessReclaim() => _machine.FruitlessReclaim();
}
