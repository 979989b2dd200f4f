// A request of adjacent pages.
using MemoryPack;

namespace ClusterSwap.Kernel.Block;

/// <summary>
/// <c>struct request</c>: adjacent bios of one direction. Belongs to its <see cref="RequestQueue"/>, which uses it
/// again after completion; between completion and the next use its content means nothing.
/// </summary>
[MemoryPackable]
public sealed partial class BlockRequest
{
    /// <summary>Bytes of a sector.</summary>
    public const int SectorBytes = 512;

    /// <summary>BLK_SAFE_MAX_SECTORS: what a device gets that asks for no other limit, as NBD does in 3.6.</summary>
    public const int MaxSectors = 255;

    /// <summary>Whole pages that fit: 31. The limit of 128 segments is never reached.</summary>
    public const int MaxPages = MaxSectors * SectorBytes / PageBytes;

    /// <summary>Pages of the largest request that any kernel here makes.</summary>
    public const int Capacity = 32;

    /// <summary>Bytes of a page, and of a swap slot.</summary>
    public const int PageBytes = 4096;

    /// <summary>Number of the request within its queue, from 0: its name while it is in flight.</summary>
    public int Tag;

    /// <summary>Swap-out (asynchronous class); otherwise swap-in (synchronous).</summary>
    public bool Write;

    /// <summary>Slot of the first page.</summary>
    public int FirstSlot;

    /// <summary>Pages that fit: 31, or 32 on a blk-mq device.</summary>
    public int Limit = MaxPages;

    /// <summary>Pages in the request, 0 (just got) to <see cref="Limit"/>.</summary>
    public int Count;

    // Most requests never hold so many pages as they may, and a busy queue has 192 of them.
    private const int FirstRoom = 8;

    /// <summary>The pages in the order of their slots; only <see cref="Count"/> of them mean something.</summary>
    public int[] Pages = new int[FirstRoom];

    /// <summary>What each page holds.</summary>
    public uint[] Stamps = new uint[FirstRoom];

    /// <summary>The bio object of each page.</summary>
    public int[] Bios = new int[FirstRoom];

    /// <summary>When the request was got, ns of virtual time.</summary>
    public long QueuedNs;

    /// <summary>What the driver sends as NBD handle: never the same twice in a queue's life.</summary>
    public ulong Handle;

    /// <summary>Counted by the queue: got and not yet completed.</summary>
    public bool InFlight;

    /// <summary>Offset on the device, bytes.</summary>
    [MemoryPackIgnore]
    public long OffsetBytes => (long)FirstSlot * PageBytes;

    /// <summary>Length, bytes.</summary>
    [MemoryPackIgnore]
    public int LengthBytes => Count * PageBytes;

    /// <summary>Puts the first bio into an empty request.</summary>
    public void Begin(in Bio bio)
    {
        if (Count != 0 || bio.Write != Write)
        {
            throw new InvalidOperationException(
                $"request {Tag} cannot begin with slot {bio.Slot}: {Count} pages, write {Write}, bio {bio.Write}");
        }

        FirstSlot = bio.Slot;
        Set(0, in bio);
        Count = 1;
    }

    /// <summary>
    /// Appends a bio that follows on the device (<c>ll_back_merge_fn</c>). False when it does not fit.
    /// </summary>
    public bool TryBackMerge(in Bio bio)
    {
        if (!MayMerge(in bio) || bio.Slot != FirstSlot + Count)
        {
            return false;
        }

        MakeRoom();
        Set(Count++, in bio);
        return true;
    }

    /// <summary>
    /// Prepends a bio that precedes on the device (<c>ll_front_merge_fn</c>). False when it does not fit.
    /// </summary>
    public bool TryFrontMerge(in Bio bio)
    {
        if (!MayMerge(in bio) || bio.Slot != FirstSlot - 1)
        {
            return false;
        }

        MakeRoom();
        Pages.AsSpan(0, Count).CopyTo(Pages.AsSpan(1));
        Stamps.AsSpan(0, Count).CopyTo(Stamps.AsSpan(1));
        Bios.AsSpan(0, Count).CopyTo(Bios.AsSpan(1));
        Set(0, in bio);
        FirstSlot--;
        Count++;
        return true;
    }

    private bool MayMerge(in Bio bio) => bio.Write == Write && Count > 0 && Count < Limit;

    private void MakeRoom()
    {
        if (Count < Pages.Length)
        {
            return;
        }

        var room = Math.Min(2 * Count, Capacity);
        Array.Resize(ref Pages, room);
        Array.Resize(ref Stamps, room);
        Array.Resize(ref Bios, room);
    }

    private void Set(int index, in Bio bio)
    {
        Pages[index] = bio.Page;
        Stamps[index] = bio.Stamp;
        Bios[index] = bio.Slab;
    }
}
