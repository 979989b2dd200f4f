// A socket buffer as data: what memory it consists of, and the caches that it comes from.
using System.Runtime.InteropServices;
using ClusterSwap.Kernel.Memory;
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>
/// The memory of one packet: a header object, a linear data object or none, and a page fragment or none. 28 bytes
/// without padding. Copying the struct does not copy the buffer: it has one owner, who frees it once.
/// </summary>
[MemoryPackable]
[StructLayout(LayoutKind.Sequential, Pack = 4)]
public partial struct SkBuff
{
    /// <summary>Handle of the sk_buff object: head page of its slab.</summary>
    public int Head;

    /// <summary>Handle of the linear data object, or <see cref="PageFrame.None"/>.</summary>
    public int Data;

    /// <summary>Page of the receive fragment (one reference on it), or <see cref="PageFrame.None"/>.</summary>
    public int Fragment;

    /// <summary>Payload, bytes.</summary>
    public int Length;

    /// <summary>skb->truesize: what the socket is charged, bytes.</summary>
    public int TrueSize;

    /// <summary>
    /// Data and fragment belong to clones too (dataref above 1): number of the shared record plus one, or 0 for a
    /// buffer that was never cloned.
    /// </summary>
    public int SharedData;

    /// <summary>Index of the data object's cache.</summary>
    public short DataCache;

    /// <summary>Index of the header object's cache.</summary>
    public byte HeadCache;

    /// <summary>skb->pfmemalloc (patch 9): some of this memory came from the reserve, and the rules know it.</summary>
    public bool PfMemAlloc;

    /// <summary>No buffer.</summary>
    public static SkBuff None => new()
    {
        Head = PageFrame.None,
        Data = PageFrame.None,
        Fragment = PageFrame.None,
    };
}

/// <summary>Where the caches that socket buffers come from lie in the array of slab caches.</summary>
/// <param name="SkbHead">skbuff_head_cache, 256 bytes.</param>
/// <param name="SkbFclone">skbuff_fclone_cache, 512 bytes.</param>
/// <param name="Kmalloc512">Data of a pure ACK.</param>
/// <param name="Kmalloc1024">Header buffer of a paged receive ring.</param>
/// <param name="Kmalloc2048">Linear part of TCP data; a copied segment.</param>
/// <param name="Kmalloc4096">A whole segment in the linear part when the header room exceeds 240 bytes.</param>
public readonly record struct SkbCaches(
    byte SkbHead, byte SkbFclone, byte Kmalloc512, byte Kmalloc1024, byte Kmalloc2048, byte Kmalloc4096);

/// <summary>Sizes that truesize is made of (3.5/3.6, x86-64), bytes.</summary>
public static class SkbSizes
{
    /// <summary>sizeof(sk_buff), aligned.</summary>
    public const int Head = 256;

    /// <summary>sizeof(skb_shared_info), aligned: the end of every data buffer.</summary>
    public const int SharedInfo = 320;

    /// <summary>NET_SKB_PAD plus NET_IP_ALIGN: head room of a received frame.</summary>
    public const int ReceivePad = 66;

    /// <summary>Ethernet, IP and TCP headers with timestamps: what a frame has besides its payload.</summary>
    public const int FrameHeaders = 66;

    /// <summary>A page.</summary>
    public const int Page = 4096;

    /// <summary>Payload of the largest TCP frame at MTU 1500 with timestamps.</summary>
    public const int Mss = 1448;

    /// <summary>Fragment that a frame of <paramref name="frameBytes"/> takes: 1,920 at MTU 1500.</summary>
    public static int ReceiveFragment(int frameBytes) => Align(frameBytes + ReceivePad) + SharedInfo;

    /// <summary>SKB_DATA_ALIGN: rounds up to a cache line of 64 bytes.</summary>
    public static int Align(int bytes) => (bytes + 63) & ~63;
}
