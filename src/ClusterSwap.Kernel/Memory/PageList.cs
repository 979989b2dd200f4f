// A doubly linked list of pages through their frames: both ends by index, removal from the middle in O(1).
namespace ClusterSwap.Kernel.Memory;

/// <summary>
/// Ends of a list that is linked through <see cref="PageFrame.Next"/> and <see cref="PageFrame.Prev"/>. Plain data; a
/// page can be on one list only.
/// </summary>
public struct PageList
{
    /// <summary>First page, or −1.</summary>
    public int Head;

    /// <summary>Last page, or −1.</summary>
    public int Tail;

    /// <summary>A list without pages (the default value is not one: page 0 exists).</summary>
    public static PageList Empty => new() { Head = PageFrame.None, Tail = PageFrame.None };

    /// <summary>Puts a page first: the next one to be taken by who takes from the head.</summary>
    public void AddHead(PageFrame[] frames, int page)
    {
        ref var frame = ref frames[page];
        frame.Prev = PageFrame.None;
        frame.Next = Head;
        if (Head >= 0)
        {
            frames[Head].Prev = page;
        }
        else
        {
            Tail = page;
        }

        Head = page;
    }

    /// <summary>Puts a page last.</summary>
    public void AddTail(PageFrame[] frames, int page)
    {
        ref var frame = ref frames[page];
        frame.Next = PageFrame.None;
        frame.Prev = Tail;
        if (Tail >= 0)
        {
            frames[Tail].Next = page;
        }
        else
        {
            Head = page;
        }

        Tail = page;
    }

    /// <summary>Takes the first page off a list that has one.</summary>
    public int TakeHead(PageFrame[] frames)
    {
        var page = Head;
        ref var frame = ref frames[page];
        var next = frame.Next;
        Head = next;
        if (next >= 0)
        {
            frames[next].Prev = PageFrame.None;
        }
        else
        {
            Tail = PageFrame.None;
        }

        frame.Next = PageFrame.None;
        return page;
    }

    /// <summary>Takes a page off, which must be on this very list; its links are empty afterwards.</summary>
    public void Remove(PageFrame[] frames, int page)
    {
        ref var frame = ref frames[page];
        if (frame.Prev >= 0)
        {
            frames[frame.Prev].Next = frame.Next;
        }
        else
        {
            Head = frame.Next;
        }

        if (frame.Next >= 0)
        {
            frames[frame.Next].Prev = frame.Prev;
        }
        else
        {
            Tail = frame.Prev;
        }

        frame.Next = PageFrame.None;
        frame.Prev = PageFrame.None;
    }
}
