// Receive buffers: page fragments, header buffers, driver pages.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Kernel.Net;

public sealed partial class SkbAllocator
{
    /// <summary>A full frame on the fragment path: <see cref="AllocRx(int, int, out SkBuff)"/> at MTU 1500.</summary>
    public AllocOutcome AllocRx(int cpu, out SkBuff skb) =>
        AllocRx(cpu, SkbSizes.Mss + SkbSizes.FrameHeaders, out skb);

    /// <summary>
    /// <c>__netdev_alloc_skb</c> up to a page: a fragment of the CPU's page, wrapped by build_skb. The page may come
    /// from the reserve when the key is on (patch 9); the header is plain GFP_ATOMIC; the tag is not set, which is a
    /// gap of 3.6. Granted or Failed.
    /// </summary>
    public AllocOutcome AllocRx(int cpu, int frameBytes, out SkBuff skb) =>
        AllocRx(cpu, frameBytes, AllocContext.Softirq, out skb);

    /// <summary>The CPU's fragment page has room for a full frame, so that no page is needed for its data.</summary>
    public bool FragmentHasRoom(int cpu)
    {
        ref readonly var current = ref FragmentPages[cpu];
        var size = SkbSizes.ReceiveFragment(SkbSizes.Mss + SkbSizes.FrameHeaders);
        return current.PagePlusOne > 0 && current.Offset + size <= current.Size;
    }

    /// <summary>
    /// Whether the header of a received frame could be had: an object where its cache looks for one. If not, it takes a
    /// page. Of the paged path, whose header has part in the reserve as its page has, it answers yes.
    /// </summary>
    /// <param name="path">How the driver gets its memory.</param>
    /// <param name="cpu">The CPU of the softirq.</param>
    /// <param name="request">What the object, or the page for it, is asked for with.</param>
    public bool HasHeader(RxPath path, int cpu, out SlabCall request)
    {
        var context = path == RxPath.PerFrame ? SocketRules.PerFrameContext(_rules) : AllocContext.Softirq;
        var gfp = SocketRules.ReceiveHead(_rules, ReceiveGfp(Gfp.Atomic));
        request = SlabCall.For(gfp, TaskFlags.None, context, cpu);
        return path == RxPath.Paged || _caches[_index.SkbHead].HasObjectFor(in request);
    }

    /// <summary>
    /// User-Mode Linux: a buffer for a whole frame whatever arrives, when it arrives (<c>uml_net_rx</c>, 6.1). Granted
    /// or Failed.
    /// </summary>
    public AllocOutcome AllocRxPerFrame(int cpu, out SkBuff skb) =>
        AllocRx(cpu, SkbSizes.Mss + SkbSizes.FrameHeaders, SocketRules.PerFrameContext(_rules), out skb);

    private AllocOutcome AllocRx(int cpu, int frameBytes, AllocContext context, out SkBuff skb)
    {
        skb = SkBuff.None;
        var size = SkbSizes.ReceiveFragment(frameBytes);
        if (!TryFragment(cpu, size, context, out var page))
        {
            return AllocOutcome.Failed;
        }

        if (!TryObject(
            _index.SkbHead, SocketRules.ReceiveHead(_rules, ReceiveGfp(Gfp.Atomic)), TaskFlags.None, context, cpu, out var head))
        {
            PutFragment(page, cpu);
            return AllocOutcome.Failed;
        }

        skb.Head = head;
        skb.HeadCache = _index.SkbHead;
        skb.Fragment = page;
        skb.Length = frameBytes;
        skb.TrueSize = size + SkbSizes.Head;
        skb.PfMemAlloc = SocketRules.ReceiveFragmentTagsBuffer(_rules, _pages.Frames[page].Has(PageFlags.PfMemAlloc));
        return AllocOutcome.Granted;
    }

    /// <summary>
    /// Header buffer of a paged ring: <c>__alloc_skb</c> with SKB_ALLOC_RX, 512 bytes and overhead in kmalloc-1024.
    /// </summary>
    public AllocOutcome AllocRxHeader(int cpu, out SkBuff skb) =>
        AllocSkb(ReceiveGfp(Gfp.Atomic), TaskFlags.None, AllocContext.Softirq, cpu, 512 + SkbSizes.ReceivePad, out skb);

    /// <summary>
    /// <c>skb_alloc_page</c>: a page of a paged ring for <paramref name="header"/>, cut in two halves; returned with
    /// one
    /// reference, or −1. Patch 11 lets it come from the reserve and tags the header.
    /// </summary>
    public int AllocRxPage(int cpu, ref SkBuff header)
    {
        var gfp = SocketRules.DriverPage(_rules, Gfp.Atomic | Gfp.Cold);
        var page = TryPage(gfp, cpu, AllocContext.Softirq, order: 0, out var pfMemAlloc);
        header.PfMemAlloc |= SocketRules.DriverPageTagsBuffer(_rules, gfp, pfMemAlloc);
        return page;
    }

    /// <summary>
    /// <c>skb_fill_page_desc</c>: half a page becomes the buffer's fragment; the buffer takes over the caller's
    /// reference. Patch 10 tags the buffer.
    /// </summary>
    public void FillPage(ref SkBuff skb, int page, int payload)
    {
        skb.Fragment = page;
        skb.Length = payload;
        skb.TrueSize += SkbSizes.Page / 2;
        var pfMemAlloc = _pages.Frames[page].Has(PageFlags.PfMemAlloc);
        skb.PfMemAlloc |= SocketRules.FragmentTagsBuffer(_rules, pfMemAlloc);
    }

    /// <summary>
    /// A ring keeps the other half of a page whose only user is the buffer that just left
    /// (<c>igb_clean_rx_irq</c>, 3.6): takes one more reference. False: the page is shared, the ring lets go of it.
    /// </summary>
    public bool KeepHalf(int page)
    {
        ref var frame = ref _pages.Frames[page];
        if (frame.Count != 1)
        {
            return false;
        }

        frame.Count++;
        return true;
    }

    /// <summary>
    /// <c>__netdev_alloc_frag</c>: cuts a fragment off the CPU's page; a page that came free is cut anew.
    /// </summary>
    private bool TryFragment(int cpu, int size, AllocContext context, out int page)
    {
        ref var current = ref FragmentPages[cpu];
        page = current.PagePlusOne - 1;
        if (page >= 0 && current.Offset + size > current.Size)
        {
            ref var frame = ref _pages.Frames[page];
            if (frame.Count == 1 && !SocketRules.DiscardsFragmentPage(_rules, frame.Has(PageFlags.PfMemAlloc)))
            {
                current.Offset = 0;
            }
            else
            {
                PutFragment(page, cpu);
                current = default;
                page = PageFrame.None;
            }
        }

        if (page < 0)
        {
            page = TryFragmentPage(cpu, context);
            if (page < 0)
            {
                return false;
            }

            current.PagePlusOne = page + 1;
            current.Size = SkbSizes.Page << _pages.Frames[page].Order;
            current.Offset = 0;
        }

        current.Offset += size;
        _pages.Frames[page].Count++;
        return true;
    }

    /// <summary><c>__page_frag_cache_refill</c>: a block first if the kernel tries for one, never from the
    /// reserve.</summary>
    private int TryFragmentPage(int cpu, AllocContext context)
    {
        var gfp = ReceiveGfp(Gfp.Atomic | Gfp.Cold);
        var order = SocketRules.ReceiveFragmentOrder(_rules);
        if (order > 0)
        {
            var block = gfp | Gfp.Comp | Gfp.NoWarn | Gfp.NoRetry | Gfp.NoMemAlloc;
            var page = TryPage(block, cpu, context, order, out _);
            if (page >= 0)
            {
                return page;
            }
        }

        return TryPage(gfp, cpu, context, order: 0, out _);
    }

    /// <summary>A page with one reference, for receiving in softirq; −1 when it cannot be had.</summary>
    private int TryPage(Gfp gfp, int cpu, AllocContext context, int order, out bool pfMemAlloc)
    {
        var call = AllocCall.For(PageOwner.RxFragment, gfp, TaskFlags.None, context, cpu, order);
        var outcome = _pages.Continue(ref call);
        pfMemAlloc = outcome == AllocOutcome.Granted && call.PfMemAlloc;
        if (outcome == AllocOutcome.Failed)
        {
            return PageFrame.None;
        }

        if (outcome != AllocOutcome.Granted)
        {
            throw new InvalidOperationException($"an atomic page request ({gfp}) ended in {outcome}");
        }

        ref var frame = ref _pages.Frames[call.Page];
        frame.Count = 1;
        frame.Clear(PageFlags.PfMemAlloc);
        frame.Set(pfMemAlloc ? PageFlags.PfMemAlloc : PageFlags.None);
        return call.Page;
    }
}
