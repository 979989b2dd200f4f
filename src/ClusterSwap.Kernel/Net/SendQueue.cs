// The write queue of a socket: buffers in order, and the pages that its bytes are copied into.
using System.Runtime.InteropServices;
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>What a sender has to get before it can copy more bytes.</summary>
public enum SendNeed : byte
{
    /// <summary>Nothing: <see cref="SendQueue.Copy"/> will take at least one byte.</summary>
    None,

    /// <summary>A buffer: <see cref="SkbAllocator.AllocTx"/>, then <see cref="SendQueue.AddSkb"/>.</summary>
    Skb,

    /// <summary>A page with the socket's allocation mode, then <see cref="SendQueue.AddPage"/>.</summary>
    Page,
}

/// <summary>A buffer of the write queue and the bytes that it carries.</summary>
[MemoryPackable]
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public partial struct QueuedSkb
{
    /// <summary>The buffer; its truesize includes the fragment bytes.</summary>
    public SkBuff Skb;

    /// <summary>First byte.</summary>
    public long Start;

    /// <summary>Behind the last byte.</summary>
    public long End;
}

/// <summary>A page of the write queue.</summary>
[MemoryPackable]
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public partial struct QueuedPage
{
    /// <summary>The page.</summary>
    public int Page;

    /// <summary>Order of the block whose head the page is.</summary>
    public int Order;

    /// <summary>Bytes of the page that were used.</summary>
    public int Used;

    /// <summary>Behind the last stream byte that lies on it.</summary>
    public long End;

    /// <summary>Size, bytes.</summary>
    [MemoryPackIgnore]
    public readonly int Size => SkbSizes.Page << Order;
}

/// <summary>
/// Bytes fill the linear part of the last buffer, then the socket's current page, contiguously across buffers and
/// sends: about one page per 4,096 bytes (<c>tcp_sendmsg</c>, 3.6). Owns the buffers and pages until they are
/// acknowledged.
/// </summary>
[MemoryPackable]
public sealed partial class SendQueue
{
    /// <summary>MAX_SKB_FRAGS: fragments of one buffer.</summary>
    public const int MaxFragments = 17;

    /// <summary>Constants of the machine.</summary>
    public TcpParameters Parameters;

    /// <summary>Buffers, oldest first.</summary>
    public Fifo<QueuedSkb> Skbs = new();

    /// <summary>Pages, oldest first; the last one is the current page while it has room.</summary>
    public Fifo<QueuedPage> Pages = new();

    /// <summary>Behind the last byte copied.</summary>
    public long WriteSeq;

    /// <summary>Room in the linear part of the last buffer, bytes.</summary>
    public int LinearRoom;

    /// <summary>Fragments of the last buffer.</summary>
    public int Fragments;

    /// <summary>The last fragment of the last buffer lies on the current page: more bytes extend it.</summary>
    public bool Merges;

    /// <summary>For the serializer.</summary>
    [MemoryPackConstructor]
    private SendQueue()
    {
        Parameters = null!;
    }

    /// <summary>An empty queue.</summary>
    public SendQueue(TcpParameters parameters) => Parameters = parameters;

    /// <summary>Payload that goes into the linear part of a new buffer.</summary>
    [MemoryPackIgnore]
    public int LinearSize => Parameters.PayloadInPages ? 0
        : Parameters.Sg
        ? 2048 - SkbSizes.SharedInfo - Parameters.MaxTcpHeader
        : Parameters.Mss;

    /// <summary>Payload of the largest buffer (size_goal).</summary>
    [MemoryPackIgnore]
    public int SizeGoal => Parameters.MaxTrain;

    /// <summary>
    /// What is missing to copy the next byte. A buffer that has begun to be sent (below <paramref name="sndNxt"/> to
    /// its
    /// end) takes nothing more.
    /// </summary>
    public SendNeed Need(long sndNxt)
    {
        if (Skbs.Count == 0 || Skbs.Last.End <= sndNxt && Skbs.Last.Skb.Length > 0 || SkbIsFull)
        {
            return SendNeed.Skb;
        }

        return LinearRoom > 0 || PageRoom > 0 ? SendNeed.None : SendNeed.Page;
    }

    /// <summary>Puts a new buffer at the end; the socket is charged its truesize.</summary>
    public void AddSkb(in SkBuff skb)
    {
        Skbs.Add(new QueuedSkb { Skb = skb, Start = WriteSeq, End = WriteSeq });
        LinearRoom = Math.Min(LinearSize, SizeGoal);
        Fragments = 0;
        Merges = false;
    }

    /// <summary>Makes a new page, or a block of pages, the current one.</summary>
    public void AddPage(int page, int order = 0)
    {
        Pages.Add(new QueuedPage { Page = page, Order = order, End = WriteSeq });
        Merges = false;
    }

    /// <summary>
    /// Copies as many of <paramref name="wanted"/> bytes as fit without another buffer or page. Returns how many,
    /// and by
    /// how much the truesize of the queue grew (bytes in fragments count, bytes in the linear part are paid already).
    /// </summary>
    public (int Bytes, int TrueSize) Copy(int wanted)
    {
        ref var last = ref Skbs.Last;
        var left = Math.Min(wanted, SizeGoal - last.Skb.Length);
        var linear = Math.Min(left, LinearRoom);
        LinearRoom -= linear;
        WriteSeq += linear;
        left -= linear;

        var paged = 0;
        if (left > 0 && LinearRoom == 0 && !SkbIsFull)
        {
            paged = Math.Min(left, PageRoom);
        }

        if (paged > 0)
        {
            WriteSeq += paged;
            ref var page = ref Pages.Last;
            page.Used += paged;
            page.End = WriteSeq;
            Fragments += Merges ? 0 : 1;
            Merges = true;
        }

        last.End = WriteSeq;
        last.Skb.Length += linear + paged;
        last.Skb.TrueSize += paged;
        return (linear + paged, paged);
    }

    /// <summary>
    /// Lets go of what lies below <paramref name="seq"/>: buffers and pages that are to be freed are added to the
    /// lists.
    /// The current page stays and is used again from its start once none of its bytes is needed. Returns the
    /// truesize of
    /// the buffers, for <see cref="TcpConnection.ReleaseSend"/>.
    /// </summary>
    public int AckedTo(long seq, List<SkBuff> skbs, List<int> pages)
    {
        var trueSize = 0;
        while (Skbs.Count > 0 && Skbs[0].End <= seq && Skbs[0].Skb.Length > 0)
        {
            var skb = Skbs.Take().Skb;
            trueSize += skb.TrueSize;
            skbs.Add(skb);
        }

        while (Pages.Count > 0 && Pages[0].End <= OldestSeq(seq))
        {
            ref var page = ref Pages[0];
            if (Pages.Count == 1 && page.Used < page.Size)
            {
                page.Used = 0;
                Merges = false;
                break;
            }

            pages.Add(Pages.Take().Page);
        }

        return trueSize;
    }

    /// <summary>Takes everything out: the socket is closed.</summary>
    public void TakeAll(List<SkBuff> skbs, List<int> pages)
    {
        while (Skbs.Count > 0)
        {
            skbs.Add(Skbs.Take().Skb);
        }

        while (Pages.Count > 0)
        {
            pages.Add(Pages.Take().Page);
        }
    }

    /// <summary>Checks that buffers and pages are in order and carry contiguous bytes.</summary>
    public void AssertInvariants()
    {
        for (var i = 0; i < Skbs.Count; i++)
        {
            var skb = Skbs[i];
            var next = i + 1 < Skbs.Count ? Skbs[i + 1].Start : WriteSeq;
            if (skb.End != next || skb.End - skb.Start != skb.Skb.Length || skb.Skb.Length > SizeGoal)
            {
                throw new InvalidOperationException(
                    $"write queue: buffer {i} has bytes {skb.Start} to {skb.End}, length {skb.Skb.Length}, "
                    + $"next {next}");
            }
        }

        for (var i = 0; i < Pages.Count; i++)
        {
            var page = Pages[i];
            if (page.Page < 0 || page.Used < 0 || page.Used > page.Size || page.End > WriteSeq
                || (i > 0 && page.End < Pages[i - 1].End))
            {
                throw new InvalidOperationException(
                    $"write queue: page {page.Page} has {page.Used} bytes up to {page.End} of {WriteSeq}");
            }
        }
    }

    /// <summary>Fragment room of the current page, 0 when there is none.</summary>
    private int PageRoom => !Parameters.Sg || Pages.Count == 0 ? 0 : Pages.Last.Size - Pages.Last.Used;

    private bool SkbIsFull
    {
        get
        {
            var length = Skbs.Last.Skb.Length;
            return length >= SizeGoal
                || LinearRoom == 0 && (!Parameters.Sg || Fragments == MaxFragments && !(Merges && PageRoom > 0));
        }
    }

    /// <summary>
    /// A page is held as long as the buffer that refers to it, not only until its bytes are acknowledged.
    /// </summary>
    private long OldestSeq(long acked) => Skbs.Count > 0 ? Math.Min(acked, Skbs[0].Start) : acked;
}
