// What the actors of a blade hold, added up.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Monitors;

/// <summary>An actor beside those that <see cref="Conservation"/> knows, which holds memory of its blade at
/// barriers.</summary>
public interface IMemoryHolder
{
    /// <summary>Adds what it holds.</summary>
    void AddTo(Holdings holdings);
}

/// <summary>A tally of pages and objects by what is known of their holders. One for each blade and barrier.</summary>
public sealed class Holdings
{
    private readonly long[] _objects;
    private readonly byte[] _fragments;
    private readonly Dictionary<int, int> _shared = [];

    /// <summary>An empty tally for a machine of so many caches and pages.</summary>
    public Holdings(int caches, int pages)
    {
        _objects = new long[caches];
        _fragments = new byte[pages];
    }

    /// <summary>Pages of the send queue and those granted for it.</summary>
    public HashSet<int> TxPages { get; } = [];

    /// <summary>Pages being written to swap.</summary>
    public HashSet<int> Writing { get; } = [];

    /// <summary>Pages being read from swap.</summary>
    public HashSet<int> Reading { get; } = [];

    /// <summary>Pages isolated by reclaimers.</summary>
    public HashSet<int> Isolated { get; } = [];

    /// <summary>Anonymous pages that a call holds and that are neither mapped nor cached yet.</summary>
    public HashSet<int> Unmapped { get; } = [];

    /// <summary>Objects of a cache that are held.</summary>
    public long Objects(int cache) => _objects[cache];

    /// <summary>References to a receive page that are held.</summary>
    public int Fragments(int page) => _fragments[page];

    /// <summary>Buffers that hold what shared record <paramref name="record"/> is about, counted from 1.</summary>
    public int HoldersOf(int record) => _shared.GetValueOrDefault(record);

    /// <summary>Adds objects of a cache.</summary>
    public void AddObjects(int cache, long count) => _objects[cache] += count;

    /// <summary>Adds a reference to a receive page.</summary>
    public void AddFragment(int page) => _fragments[page]++;

    /// <summary>Adds a socket buffer.</summary>
    public void Add(in SkBuff skb)
    {
        if (skb.Head != PageFrame.None)
        {
            _objects[skb.HeadCache]++;
        }

        if (skb.SharedData != 0)
        {
            var holders = _shared.GetValueOrDefault(skb.SharedData);
            _shared[skb.SharedData] = holders + 1;
            if (holders > 0)
            {
                // Its data is counted with the first holder.
                return;
            }
        }

        if (skb.Data != PageFrame.None)
        {
            _objects[skb.DataCache]++;
        }

        if (skb.Fragment != PageFrame.None)
        {
            _fragments[skb.Fragment]++;
        }
    }

    /// <summary>Adds a page to a set in which each may stand once.</summary>
    public static void AddOnce(HashSet<int> set, int page, string what)
    {
        if (!set.Add(page))
        {
            throw new InvalidOperationException($"page {page} is {what} twice");
        }
    }
}
