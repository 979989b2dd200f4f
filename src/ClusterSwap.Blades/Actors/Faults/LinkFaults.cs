// What faults do to the frames of one way of a cable. Trains are cut where their frames part.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

/// <summary>
/// A stage in front of the switch: what comes at some time goes on at that time or later, or not at all. Draws come from
/// the stream of the actor that owns it. Frames are lost, doubled or held back first, then delayed, then they wait for
/// a slower cable, then for a clog to end.
/// </summary>
public sealed class LinkFaults
{
    private const int Million = 1_000_000;

    private readonly HostContext _host;
    private readonly WireSpec _wire;
    private readonly FaultTimes _times;
    private readonly int _actor;
    private readonly int _partner;
    private readonly List<FaultSpec> _active = [];
    private LinkFaultState _state = new();

    /// <summary>
    /// The faults of the <paramref name="way"/> for which <paramref name="actor"/> stands. A clog, which is both ways, is
    /// drawn by the one that has a <paramref name="partner"/> (−1: it is told).
    /// </summary>
    public LinkFaults(
        HostContext host, int actor, LinkDirection way, WireSpec wire, IReadOnlyList<NumberedFault> faults, int partner)
    {
        _host = host;
        _actor = actor;
        _wire = wire;
        _partner = partner;
        _times = new FaultTimes(host, actor, faults) { Way = way };
    }

    /// <summary>A frame and when it goes on, ns.</summary>
    public readonly record struct Passage(Frame Frame, long AtNs);

    /// <summary>What went on since it was last emptied, in order of time but for frames that were held back.</summary>
    public List<Passage> Passed { get; } = [];

    /// <summary>The state, kept by the actor.</summary>
    public LinkFaultState State
    {
        get => _state;
        set
        {
            _state = value;
            _active.Clear();
            _active.AddRange(value.Active.Select(_times.Of));
        }
    }

    /// <summary>Records beginnings and ends.</summary>
    public void StartTrace(TraceLog trace) => _times.Trace = trace;

    /// <summary>A fault begins.</summary>
    public void Begin(FaultBegins begins)
    {
        _times.ScheduleNext(begins);
        if (begins.Round >= 0 && _times.Of(begins.Fault) is { Effect: SwizzleClogEffect clog } spec)
        {
            DrawClog(begins.Fault, clog, spec.ForNs!.Value);
            return;
        }

        _times.Begin(begins, _state.Active);
        State = _state;
    }

    /// <summary>A fault ends; what a clog held goes on.</summary>
    public void End(FaultEnds ends)
    {
        _times.End(ends, _state.Active);
        _state.Bad.Remove(ends.Fault);
        State = _state;
        while (!IsClogged && _state.Held.TryDequeue(out var frame))
        {
            _state.HeldBytes -= frame.WireBytes;
            _state.LastNs = Math.Max(_state.LastNs, _host.NowNs);
            GoOn(frame, _state.LastNs);
        }
    }

    /// <summary>A train comes at a time, now or later, ns.</summary>
    public void Enter(Frame frame, long atNs)
    {
        _state.Entered += frame.Frames;
        var cuts = false;
        foreach (var fault in _active)
        {
            switch (fault.Effect)
            {
                case PartitionEffect:
                    _state.Lost += frame.Frames;
                    return;
                case DelayEffect delay:
                    atNs += delay.DelayNs + Below(delay.JitterNs + 1);
                    break;
                case LossEffect or ReorderEffect or DuplicateEffect:
                    cuts = true;
                    break;
            }
        }

        if (cuts)
        {
            Cut(frame, atNs);
        }
        else
        {
            Line(frame, atNs, holdNs: 0);
        }
    }

    private bool IsClogged => _active.Exists(fault => fault.Effect is SwizzleClogEffect);

    private void DrawClog(int fault, SwizzleClogEffect clog, long lastsNs)
    {
        if (_host.NextRandom(Million) >= clog.PerMillion)
        {
            return;
        }

        var halfNs = lastsNs / 2;
        var fromNs = _host.NowNs + Below(halfNs + 1);
        var toNs = _host.NowNs + lastsNs - Below(lastsNs - halfNs);
        foreach (var actor in (ReadOnlySpan<int>)[_actor, _partner])
        {
            _host.Schedule(fromNs, actor, new FaultBegins(fault, round: -1));
            _host.Schedule(toNs, actor, new FaultEnds(fault));
        }
    }

    /// <summary>Each frame of a train has its own fate; those that stay together go on as one train.</summary>
    private void Cut(Frame frame, long atNs)
    {
        var from = 0;
        for (var i = 0; i < frame.Frames; i++)
        {
            if (IsLost())
            {
                LinePart(frame, from, i, atNs);
                _state.Lost++;
                from = i + 1;
                continue;
            }

            var holdNs = HoldNs();
            var doubled = IsDoubled();
            if (holdNs == 0 && !doubled)
            {
                continue;
            }

            LinePart(frame, from, i, atNs);
            for (var copies = doubled ? 2 : 1; copies > 0; copies--)
            {
                Line(frame.Part(i, 1), atNs, holdNs);
            }

            from = i + 1;
        }

        LinePart(frame, from, frame.Frames, atNs);
    }

    private void LinePart(Frame frame, int from, int to, long atNs)
    {
        if (to > from)
        {
            Line(frame.Part(from, to - from), atNs, holdNs: 0);
        }
    }

    private bool IsLost()
    {
        var lost = false;
        for (var i = 0; i < _active.Count; i++)
        {
            if (_active[i].Effect is LossEffect loss)
            {
                lost |= loss.Bursts is { } bursts
                    ? IsLostInBursts(_state.Active[i], loss, bursts)
                    : _host.NextRandom(Million) < loss.PerMillion;
            }
        }

        return lost;
    }

    // The frame meets the present state; then the state may change.
    private bool IsLostInBursts(int fault, LossEffect loss, LossBursts bursts)
    {
        var bad = _state.Bad.Contains(fault);
        var lost = _host.NextRandom(Million) < (bad ? loss.PerMillion : bursts.GoodPerMillion);
        if (_host.NextRandom(Million) < (bad ? bursts.BadToGoodPerMillion : bursts.GoodToBadPerMillion))
        {
            if (bad)
            {
                _state.Bad.Remove(fault);
            }
            else
            {
                _state.Bad.Add(fault);
            }
        }

        return lost;
    }

    private long HoldNs()
    {
        long holdNs = 0;
        foreach (var fault in _active)
        {
            if (fault.Effect is ReorderEffect reorder && _host.NextRandom(Million) < reorder.PerMillion)
            {
                holdNs = Math.Max(holdNs, reorder.DelayNs);
            }
        }

        _state.Reordered += holdNs > 0 ? 1 : 0;
        return holdNs;
    }

    private bool IsDoubled()
    {
        var doubled = false;
        foreach (var fault in _active)
        {
            doubled |= fault.Effect is DuplicateEffect duplicate && _host.NextRandom(Million) < duplicate.PerMillion;
        }

        _state.Duplicated += doubled ? 1 : 0;
        return doubled;
    }

    /// <summary>The queue in front of the cable: in order, at its speed, and no further than a clog.</summary>
    private void Line(Frame frame, long atNs, long holdNs)
    {
        atNs = Math.Max(atNs, _state.LastNs);
        var slowest = long.MaxValue;
        foreach (var fault in _active)
        {
            slowest = fault.Effect is RateEffect rate ? Math.Min(slowest, rate.BitsPerSec) : slowest;
        }

        if (slowest < long.MaxValue && !TryPace(ref frame, ref atNs, slowest))
        {
            return;
        }

        if (IsClogged)
        {
            Hold(frame);
        }
        else if (holdNs == 0)
        {
            _state.LastNs = atNs;
            GoOn(frame, atNs);
        }
        else
        {
            GoOn(frame, atNs + holdNs);
        }
    }

    /// <summary>What fits into the queue of the slower cable leaves it when its last bit has gone.</summary>
    private bool TryPace(ref Frame frame, ref long atNs, long bitsPerSec)
    {
        var wire = _wire with { BitsPerSecond = bitsPerSec };
        var fitting = Fitting(frame, wire.BytesIn(_state.BusyUntilNs - atNs));
        if (fitting == 0)
        {
            return false;
        }

        frame = frame.Part(0, fitting);
        _state.BusyUntilNs = Math.Max(_state.BusyUntilNs, atNs) + wire.TimeOf(frame.WireBytes);
        atNs = _state.BusyUntilNs;
        return true;
    }

    private void Hold(Frame frame)
    {
        if (Fitting(frame, _state.HeldBytes) is var fitting and > 0)
        {
            frame = frame.Part(0, fitting);
            _state.Held.Enqueue(frame);
            _state.HeldBytes += frame.WireBytes;
        }
    }

    /// <summary>How many frames of a train fit behind so many bytes; the others are refused.</summary>
    private int Fitting(Frame frame, long queuedBytes)
    {
        var bytesEach = frame.WireBytes / frame.Frames;
        var fitting = (int)Math.Clamp((_wire.QueueBytes - queuedBytes) / bytesEach, 0, frame.Frames);
        _state.Refused += frame.Frames - fitting;
        return fitting;
    }

    private void GoOn(Frame frame, long atNs)
    {
        _state.Passed += frame.Frames;
        Passed.Add(new Passage(frame, atNs));
    }

    private long Below(long count) => count <= 1 ? 0 : (long)(_host.NextRandom() % (ulong)count);
}
