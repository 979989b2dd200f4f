// Hosts that one thread runs at a time, and what they send to other partitions.
using System.Runtime.CompilerServices;

namespace ClusterSwap.Engine;

/// <summary>
/// A group of hosts that one thread runs. Inside, the host with the first event runs as far as no other host of the
/// partition can reach it; the window's end guards against hosts elsewhere.
/// </summary>
internal sealed class Partition
{
    private readonly Simulation _simulation;
    private readonly HostContext[] _hosts;
    private readonly HostQueue _queue;
    private int _parity;

    public Partition(int id, HostContext[] hosts, Simulation simulation)
    {
        Id = id;
        _simulation = simulation;
        _hosts = hosts;
        IsLocal = hosts.Length > 0 && hosts[0].IsLocal;
        if (Array.Exists(hosts, host => host.IsLocal != IsLocal))
        {
            throw new ArgumentException($"partition {id} has hosts here and elsewhere: {hosts[0].Name} is one of them");
        }

        _queue = new HostQueue(hosts.Length);
    }

    /// <summary>Number of the partition within the run.</summary>
    public int Id { get; }

    public HostContext[] Hosts => _hosts;

    /// <summary>Whether its hosts live in this simulation.</summary>
    public bool IsLocal { get; }

    /// <summary>Position in its window group.</summary>
    public int Seat { get; set; }

    /// <summary>What this partition tells the others of its group, by parity of the window.</summary>
    public WindowNote[] Notes { get; private set; } = [];

    /// <summary>Time of the first fault of its hosts; <see cref="long.MaxValue"/> when there is none.</summary>
    public long FaultNs { get; private set; } = long.MaxValue;

    /// <summary>Time of the next event of its hosts.</summary>
    public long NextNs => _queue.FirstKey;

    /// <summary>Turns of hosts: how often the partition went from one host to another.</summary>
    public long Slices { get; private set; }

    /// <summary>Messages that its hosts were delivered in this run: its work.</summary>
    public long Work { get; private set; }

    /// <summary>Makes room for frames to the seats of a group.</summary>
    public void JoinGroup(int seat, int seats)
    {
        Seat = seat;
        Notes = [new WindowNote(seats), new WindowNote(seats)];
    }

    /// <summary>Takes its hosts over: before a run, when no other partition has them.</summary>
    public void Adopt()
    {
        for (int i = 0; i < _hosts.Length; i++)
        {
            _hosts[i].Partition = this;
            _hosts[i].Place = i;
        }
    }

    /// <summary>Looks at the hosts' heaps anew: events may have been posted between two barriers.</summary>
    public void Refresh()
    {
        for (int i = 0; i < _hosts.Length; i++)
        {
            _queue.Set(i, _hosts[i].NextNs);
        }
    }

    /// <summary>The window's parity: frames that leave the partition go into the note of that parity.</summary>
    public WindowNote OpenNote(int parity)
    {
        _parity = parity;
        WindowNote note = Notes[parity];
        note.Clear();
        return note;
    }

    /// <summary>
    /// Runs all events before the end of the window. After a fault only what happens up to it is still run, so that the
    /// first fault in virtual time is found whatever ran ahead.
    /// </summary>
    public void Run(long endNs)
    {
        endNs = EndAfterFault(endNs);
        while (_queue.FirstKey < endNs && !_simulation.Abandoned)
        {
            HostContext host = _hosts[_queue.First];
            host.SliceEndNs = Math.Min(endNs, Later(_queue.SecondKey, host.InLatencyNs));
            long before = host.Messages;
            host.RunSlice();
            Work += host.Messages - before;
            Slices++;
            if (host.FaultOrNull is { } fault)
            {
                FaultNs = Math.Min(FaultNs, fault.TimeNs);
                endNs = EndAfterFault(endNs);
                _queue.Set(host.Place, long.MaxValue);
            }
            else
            {
                _queue.Set(host.Place, host.NextNs);
            }
        }
    }

    /// <summary>Takes a frame from a host of this partition to wherever its target is.</summary>
    public void Carry(HostContext source, HostContext target, in Frame frame)
    {
        Partition other = target.Partition!;
        if (!ReferenceEquals(other, this))
        {
            Notes[_parity].Add(other.Seat, in frame);
            return;
        }

        target.PushFrame(in frame);
        Hasten(target, frame.ArrivalNs);

        // The target may answer from the moment the frame arrives, so the running host goes no further than that
        // allows.
        long answerNs = Later(frame.ArrivalNs, source.InLatencyNs);
        if (answerNs < source.SliceEndNs)
        {
            source.SliceEndNs = answerNs;
        }
    }

    /// <summary>Takes in what another partition of the group sent in a window.</summary>
    public void Merge(List<Frame> frames, HostContext[] allHosts)
    {
        foreach (ref readonly Frame frame in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(frames))
        {
            HostContext target = allHosts[frame.TargetHost];
            target.PushFrame(in frame);
            Hasten(target, frame.ArrivalNs);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Hasten(HostContext target, long arrivalNs)
    {
        if (arrivalNs < _queue.KeyOf(target.Place) && target.FaultOrNull is null)
        {
            _queue.Set(target.Place, arrivalNs);
        }
    }

    private long EndAfterFault(long endNs) => FaultNs < endNs ? FaultNs + 1 : endNs;

    /// <summary>A time plus a delay, or never when either is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Later(long timeNs, long delayNs)
        => timeNs > long.MaxValue - delayNs ? long.MaxValue : timeNs + delayNs;
}

/// <summary>
/// What a partition publishes at the end of a window: its next event, a fault, and the frames for each seat.
/// </summary>
internal sealed class WindowNote
{
    private readonly List<Frame>[] _frames;
    private readonly long[] _firstArrivalNs;

    public WindowNote(int seats)
    {
        _frames = new List<Frame>[seats];
        _firstArrivalNs = new long[seats];
        for (int i = 0; i < seats; i++)
        {
            _frames[i] = [];
            _firstArrivalNs[i] = long.MaxValue;
        }
    }

    /// <summary>Next event of the partition's own hosts.</summary>
    public long NextNs { get; set; }

    /// <summary>First fault of its hosts.</summary>
    public long FaultNs { get; set; }

    /// <summary>All that the partition has done up to the end of this window.</summary>
    public long Work { get; set; }

    public List<Frame> FramesTo(int seat) => _frames[seat];

    public long FirstArrivalAt(int seat) => _firstArrivalNs[seat];

    /// <summary>A frame from elsewhere is under way to a seat, which may be elsewhere too.</summary>
    public void Expect(int seat, long arrivalNs)
        => _firstArrivalNs[seat] = Math.Min(_firstArrivalNs[seat], arrivalNs);

    public void Add(int seat, in Frame frame)
    {
        _frames[seat].Add(frame);
        _firstArrivalNs[seat] = Math.Min(_firstArrivalNs[seat], frame.ArrivalNs);
    }

    public void Clear()
    {
        for (int i = 0; i < _frames.Length; i++)
        {
            _frames[i].Clear();
            _firstArrivalNs[i] = long.MaxValue;
        }
    }
}
