// Where socket buffers get their memory, and when that memory comes from the reserve and is known to.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>The page that a CPU cuts receive fragments from.</summary>
[MemoryPackable]
public partial struct FragmentPage
{
    /// <summary>The page plus one, so that the default is none.</summary>
    public int PagePlusOne;

    /// <summary>Size of the page, or of the block whose head it is, bytes.</summary>
    public int Size;

    /// <summary>Bytes cut off so far.</summary>
    public int Offset;
}

/// <summary>
/// Allocation and release of socket buffers of one blade (<c>net/core/skbuff.c</c>, 3.6). Slab caches and pages belong
/// to others and are attached; the allocator owns only the fragment pages of the CPUs.
/// </summary>
[MemoryPackable]
public sealed partial class SkbAllocator
{
    /// <summary>
    /// Sockets that raised the static key of patch 9; the key never goes down in 3.6 after NBD raised it.
    /// </summary>
    public int MemallocSockets;

    /// <summary>Fragment pages by CPU.</summary>
    public FragmentPage[] FragmentPages;

    [MemoryPackIgnore]
    private IPageSource _pages = null!;

    [MemoryPackIgnore]
    private ISlabCache[] _caches = null!;

    [MemoryPackIgnore]
    private SkbCaches _index;

    [MemoryPackIgnore]
    private KernelRules _rules;

    [MemoryPackIgnore]
    private bool _knowsReserve;

    /// <summary>For the serializer.</summary>
    [MemoryPackConstructor]
    private SkbAllocator()
    {
        FragmentPages = null!;
    }

    /// <summary>An allocator without pages for a blade of so many CPUs.</summary>
    public SkbAllocator(int cpus) => FragmentPages = new FragmentPage[cpus];

    /// <summary>The static key of patch 9 (<c>sk_memalloc_socks</c>): a memalloc socket exists.</summary>
    [MemoryPackIgnore]
    public bool MemallocSocketExists => MemallocSockets > 0;

    /// <summary>Connects the allocator with the blade; again after deserialization.</summary>
    public void Attach(IPageSource pages, ISlabCache[] caches, SkbCaches index, KernelRules rules)
    {
        _pages = pages;
        _caches = caches;
        _index = index;
        _rules = rules;
        _knowsReserve = SocketRules.BuffersKnowReserve(rules);
    }

    /// <summary>
    /// Counts a socket for the static key: what <see cref="SocketRules.SetMemalloc"/> returned true for.
    /// </summary>
    public void RaiseMemallocKey() => MemallocSockets++;

    /// <summary>
    /// Buffer of a pure ACK, window probe or the like (<c>tcp_send_ack</c>, 3.6): header and kmalloc-512, atomic, with
    /// the socket's MEMALLOC (patch 7). Granted or Failed.
    /// </summary>
    public AllocOutcome AllocAck(
        Gfp socketAllocation, TaskFlags task, AllocContext context, int cpu, out SkBuff skb) =>
        AllocSkb(
            SocketRules.SkGfpAtomic(_rules, socketAllocation, Gfp.Atomic), task, context, cpu,
            512 - SkbSizes.SharedInfo, out skb);

    /// <summary>
    /// <c>skb_clone</c>: a header for the same data, which the caller keeps alive. Needed when the pair's child is
    /// still with the NIC; a tagged parent passes on tag and MEMALLOC. Granted or Failed.
    /// </summary>
    public AllocOutcome AllocClone(
        in SkBuff parent, Gfp gfp, TaskFlags task, AllocContext context, int cpu, out SkBuff skb)
    {
        skb = SkBuff.None;
        if (!TryObject(_index.SkbHead, InheritedGfp(parent, gfp), task, context, cpu, out skb.Head))
        {
            skb = SkBuff.None;
            return AllocOutcome.Failed;
        }

        skb.HeadCache = _index.SkbHead;
        skb.Length = parent.Length;
        skb.TrueSize = parent.TrueSize;
        skb.PfMemAlloc = parent.PfMemAlloc;
        return AllocOutcome.Granted;
    }

    /// <summary>
    /// <c>skb_copy</c>, <c>skb_segment</c>: a buffer of its own for part of a buffer; a tagged parent passes on tag and
    /// MEMALLOC. Software segmentation runs with bottom halves disabled, where no task flag counts. Granted or Failed.
    /// </summary>
    public AllocOutcome AllocCopy(
        in SkBuff parent, int dataBytes, Gfp gfp, TaskFlags task, AllocContext context, int cpu, out SkBuff skb)
    {
        var outcome = AllocSkb(InheritedGfp(parent, gfp), task, context, cpu, dataBytes, out skb);
        skb.PfMemAlloc |= parent.PfMemAlloc && outcome == AllocOutcome.Granted;
        return outcome;
    }

    /// <summary>Buffer for a collapsed receive queue: plain GFP_ATOMIC in softirq. Granted or Failed.</summary>
    public AllocOutcome AllocCollapsed(int dataBytes, int cpu, out SkBuff skb) =>
        AllocSkb(Gfp.Atomic, TaskFlags.None, AllocContext.Softirq, cpu, dataBytes, out skb);

    /// <summary>
    /// Frees everything that the buffer holds: a shared page when its last fragment goes, what clones share when the
    /// last of them goes.
    /// </summary>
    public void Free(in SkBuff skb, int cpu)
    {
        if (skb.SharedData == 0 || DropShared(skb.SharedData))
        {
            FreeData(in skb, cpu);
        }

        _caches[skb.HeadCache].Free(skb.Head, cpu);
    }

    // skb_release_data: the linear part and the fragment.
    private void FreeData(in SkBuff skb, int cpu)
    {
        if (skb.Fragment != PageFrame.None)
        {
            PutFragment(skb.Fragment, cpu);
        }

        if (skb.Data != PageFrame.None)
        {
            _caches[skb.DataCache].Free(skb.Data, cpu);
        }
    }

    /// <summary>Drops one reference of a receive page.</summary>
    public void PutFragment(int page, int cpu)
    {
        ref var frame = ref _pages.Frames[page];
        if (frame.Count == 0)
        {
            throw new InvalidOperationException($"page {page} has no reference to drop, owner {frame.Owner}");
        }

        if (--frame.Count == 0)
        {
            _pages.Free(page, frame.Order, cpu);
        }
    }

    /// <summary>Checks the CPUs' fragment pages.</summary>
    public void AssertInvariants()
    {
        for (var cpu = 0; cpu < FragmentPages.Length; cpu++)
        {
            var current = FragmentPages[cpu];
            if (current.PagePlusOne == 0)
            {
                continue;
            }

            ref var frame = ref _pages.Frames[current.PagePlusOne - 1];
            if (frame.Count == 0 || frame.Owner != PageOwner.RxFragment || current.Offset > current.Size)
            {
                throw new InvalidOperationException(
                    $"fragment page {current.PagePlusOne - 1} of CPU {cpu}: {frame.Count} references, "
                    + $"owner {frame.Owner}, offset {current.Offset}");
            }
        }
    }

    /// <summary>
    /// SKB_ALLOC_RX: with a memalloc socket receive buffers may use the reserve (the key is patch 9's).
    /// </summary>
    private Gfp ReceiveGfp(Gfp gfp) => MemallocSocketExists ? gfp | Gfp.MemAlloc : gfp;

    private static Gfp InheritedGfp(in SkBuff parent, Gfp gfp) => parent.PfMemAlloc ? gfp | Gfp.MemAlloc : gfp;

    private byte DataCache(int dataBytes) => (dataBytes + SkbSizes.SharedInfo) switch
    {
        <= 512 => _index.Kmalloc512,
        <= 1024 => _index.Kmalloc1024,
        <= 2048 => _index.Kmalloc2048,
        <= 4096 => _index.Kmalloc4096,
        _ => throw new InvalidOperationException($"no cache for a data buffer of {dataBytes} bytes"),
    };

    /// <summary><c>__alloc_skb</c> for callers that may not wait.</summary>
    private AllocOutcome AllocSkb(
        Gfp gfp, TaskFlags task, AllocContext context, int cpu, int dataBytes, out SkBuff skb)
    {
        skb = SkBuff.None;
        if (!TryObject(_index.SkbHead, gfp, task, context, cpu, out var head))
        {
            return AllocOutcome.Failed;
        }

        var cache = DataCache(dataBytes);
        if (!TryData(cache, gfp, task, context, cpu, ref skb))
        {
            _caches[_index.SkbHead].Free(head, cpu);
            skb = SkBuff.None;
            return AllocOutcome.Failed;
        }

        skb.Head = head;
        skb.HeadCache = _index.SkbHead;
        skb.TrueSize = SkbSizes.Head + _caches[cache].ObjectSize;
        return AllocOutcome.Granted;
    }

    /// <summary>
    /// <c>kmalloc_reserve</c> (patch 9): without the reserve first; then, for who is entitled, with it and with the
    /// tag. Its price for the others: the first try is NOMEMALLOC, and there is no second one.
    /// </summary>
    private bool TryData(
        byte cache, Gfp gfp, TaskFlags task, AllocContext context, int cpu, ref SkBuff skb)
    {
        var first = _knowsReserve ? gfp | Gfp.NoMemAlloc | Gfp.NoWarn : gfp;
        skb.DataCache = cache;
        if (TryObject(cache, first, task, context, cpu, out skb.Data))
        {
            return true;
        }

        if (!_knowsReserve || !_pages.PfMemAllocAllowed(gfp, task, context))
        {
            return false;
        }

        skb.PfMemAlloc = true;
        return TryObject(cache, gfp, task, context, cpu, out skb.Data);
    }

    private bool TryObject(
        byte cache, Gfp gfp, TaskFlags task, AllocContext context, int cpu, out int slab)
    {
        var call = SlabCall.For(gfp, task, context, cpu);
        var outcome = _caches[cache].Alloc(ref call);
        slab = call.Slab;
        return outcome switch
        {
            AllocOutcome.Granted => true,
            AllocOutcome.Failed => false,
            _ => throw new InvalidOperationException(
                $"{_caches[cache].Name}: an atomic request ({gfp}, {task}, {context}) ended in {outcome}"),
        };
    }
}
