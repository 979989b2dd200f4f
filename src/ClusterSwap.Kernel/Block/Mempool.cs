// mm/mempool.c, 3.6: a few objects kept back so that I/O can always go on, one at a time if need be.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using MemoryPack;

namespace ClusterSwap.Kernel.Block;

/// <summary>
/// A mempool over a slab cache: an allocation first asks the cache without waiting and never with the reserve, then
/// takes a kept element, then has to wait for one to come back (<c>mempool_alloc</c>, 3.6; its retry with the full mask
/// is left out).
/// </summary>
[MemoryPackable]
public sealed partial class Mempool
{
    /// <summary>How many elements are kept back.</summary>
    public int Minimum { get; }

    /// <summary>The kept elements: slab handles.</summary>
    [MemoryPackInclude]
    private List<int> _elements = [];

    /// <summary>Allocations that found neither the cache nor an element.</summary>
    [MemoryPackInclude]
    public long Waits { get; private set; }

    /// <summary>Elements kept now.</summary>
    [MemoryPackIgnore]
    public int Kept => _elements.Count;

    /// <summary>A pool that keeps <paramref name="minimum"/> elements (<see cref="Fill"/> takes them).</summary>
    [MemoryPackConstructor]
    public Mempool(int minimum) => Minimum = minimum;

    /// <summary>Takes the elements at set-up time; every one must be had.</summary>
    public void Fill(ISlabCache cache, int cpu)
    {
        while (_elements.Count < Minimum)
        {
            var call = SlabCall.For(Gfp.Atomic, TaskFlags.None, AllocContext.Task, cpu);
            if (cache.Alloc(ref call) != AllocOutcome.Granted)
            {
                throw new InvalidOperationException($"mempool of {cache.Name}: no memory for {Minimum} elements at set-up");
            }

            _elements.Add(call.Slab);
        }
    }

    /// <summary>An element, or false when the caller must wait for one to be given back.</summary>
    public bool TryAlloc(ISlabCache cache, Gfp gfp, TaskFlags task, int cpu, out int element)
    {
        var quick = (gfp & ~(Gfp.Wait | Gfp.Io)) | Gfp.NoMemAlloc | Gfp.NoRetry | Gfp.NoWarn;
        var call = SlabCall.For(quick, task, AllocContext.Task, cpu);
        if (cache.Alloc(ref call) == AllocOutcome.Granted)
        {
            element = call.Slab;
            return true;
        }

        if (_elements.Count > 0)
        {
            element = _elements[^1];
            _elements.RemoveAt(_elements.Count - 1);
            return true;
        }

        Waits++;
        element = PageFrame.None;
        return false;
    }

    /// <summary>Gives an element back: kept while the pool is short (true: a waiter may be woken), else freed to the
    /// cache.</summary>
    public bool Return(ISlabCache cache, int element, int cpu)
    {
        if (_elements.Count < Minimum)
        {
            _elements.Add(element);
            return true;
        }

        cache.Free(element, cpu);
        return false;
    }
}
