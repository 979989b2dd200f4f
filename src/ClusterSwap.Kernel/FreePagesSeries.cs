// How many pages were free over a run: what the plots are drawn from. No rule reads it.
using MemoryPack;

namespace ClusterSwap.Kernel;

/// <summary>Free pages of one interval of virtual time, as seen after each allocation.</summary>
/// <param name="EndNs">End of the interval, ns; it begins where the one before ended.</param>
/// <param name="LeastPages">Fewest free pages in it.</param>
/// <param name="LastPages">Free pages after its last allocation; those of the interval before when it had none.</param>
public readonly record struct FreePagesSample(long EndNs, long LeastPages, long LastPages);

/// <summary>
/// Minimum and last value per interval, since virtual time 0. Intervals begin at 1 ms; when all places are taken, two
/// neighbours become one. So a run of any length has 512 to 1,024 of them once it is longer than half a second, the
/// memory is fixed, and the least value of all is never lost. A stall is one long interval, so that a hang does not
/// blur what led to it.
/// </summary>
[MemoryPackable]
public sealed partial class FreePagesSeries
{
    /// <summary>Most intervals that are kept; even. Enough for one per dot of a plot.</summary>
    public const int Capacity = 1_024;

    /// <summary>Length of an interval at first, ns.</summary>
    public const long FirstIntervalNs = 1_000_000;

    /// <summary>Without progress for this long, the interval stays open until there is some, ns.</summary>
    public const long StallNs = 1_000_000_000;

    [MemoryPackInclude]
    private int[] _least = new int[Capacity];

    [MemoryPackInclude]
    private int[] _last = new int[Capacity];

    [MemoryPackInclude]
    private int _count;

    [MemoryPackInclude]
    private long _intervalNs = FirstIntervalNs;

    [MemoryPackInclude]
    private long _endNs = FirstIntervalNs;

    [MemoryPackInclude]
    private int _leastNow;

    [MemoryPackInclude]
    private int _now;

    [MemoryPackConstructor]
    private FreePagesSeries()
    {
    }

    /// <summary>A series that begins at virtual time 0 with so many free pages.</summary>
    public FreePagesSeries(long freePages) => _leastNow = _now = checked((int)freePages);

    /// <summary>Notes the free pages of this virtual time, which never goes back.</summary>
    /// <param name="nowNs">Virtual time, ns.</param>
    /// <param name="freePages">Pages free now.</param>
    /// <param name="progressNs">Virtual time of the last progress, ns.</param>
    public void Note(long nowNs, long freePages, long progressNs)
    {
        if (nowNs >= _endNs && nowNs - progressNs < StallNs)
        {
            CloseUntil(nowNs);
        }

        _now = (int)freePages;
        if (_now < _leastNow)
        {
            _leastNow = _now;
        }
    }

    /// <summary>All intervals up to <paramref name="nowNs"/>; the last one is still open and ends there.</summary>
    public IReadOnlyList<FreePagesSample> Until(long nowNs)
    {
        var samples = new List<FreePagesSample>(_count + 1);
        for (var i = 0; i < _count; i++)
        {
            samples.Add(new FreePagesSample((i + 1) * _intervalNs, _least[i], _last[i]));
        }

        if (nowNs > _count * _intervalNs)
        {
            samples.Add(new FreePagesSample(nowNs, _leastNow, _now));
        }

        return samples;
    }

    private void CloseUntil(long nowNs)
    {
        while (_endNs <= nowNs)
        {
            _least[_count] = _leastNow;
            _last[_count] = _now;
            _leastNow = _now;
            if (++_count == Capacity)
            {
                MergeNeighbours();
            }

            _endNs = (_count + 1) * _intervalNs;
        }
    }

    private void MergeNeighbours()
    {
        for (var i = 0; i < Capacity / 2; i++)
        {
            _least[i] = Math.Min(_least[2 * i], _least[2 * i + 1]);
            _last[i] = _last[2 * i + 1];
        }

        _count = Capacity / 2;
        _intervalNs *= 2;
    }
}
