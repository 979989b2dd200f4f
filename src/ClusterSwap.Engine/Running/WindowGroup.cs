// Partitions that can reach one another, running window after window up to a barrier.
using System.Runtime.ExceptionServices;

namespace ClusterSwap.Engine;

/// <summary>
/// Partitions connected by edges. In each window a partition runs to the minimum over all of the group, itself
/// included, of the other's next event plus the shortest way from there, and no further than the first that must stop;
/// then all meet once and see each other's notes.
/// </summary>
internal sealed class WindowGroup
{
    private readonly Partition[] _partitions;
    private readonly long[] _distances;
    private readonly Simulation _simulation;
    private readonly SpinGate _gate;
    private readonly WindowBridge? _bridge;
    private readonly long[] _workSeen;
    private readonly int _leader;
    private readonly bool[] _abandoned = new bool[2];

    /// <summary>
    /// Workers are given per seat, negative numbers for machines elsewhere, to which the bridge leads; distances are row
    /// by row, from seat to seat.
    /// </summary>
    public WindowGroup(
        Partition[] partitions, int[] workerOfSeat, long[] distances, Simulation simulation, int spins,
        WindowBridge? bridge)
    {
        _bridge = bridge;
        _leader = workerOfSeat.First(worker => worker >= 0);
        _partitions = partitions;
        _distances = distances;
        _simulation = simulation;
        _workSeen = new long[partitions.Length];
        WorkerOfSeat = workerOfSeat;
        _gate = new SpinGate(workerOfSeat.Where(worker => worker >= 0).Distinct().Count(), spins);
        for (int seat = 0; seat < partitions.Length; seat++)
        {
            partitions[seat].JoinGroup(seat, partitions.Length);
        }
    }

    /// <summary>Which worker runs which seat.</summary>
    public int[] WorkerOfSeat { get; }

    /// <summary>
    /// Work of the busiest worker, summed over windows: what the group would take on as many free processors. Kept by
    /// the leader, the worker of the first seat that is here.
    /// </summary>
    public long CriticalWork { get; private set; }

    /// <summary>First fault that a host elsewhere told of; <see cref="long.MaxValue"/> when there is none.</summary>
    public long FaultElsewhereNs => _bridge?.FaultNs ?? long.MaxValue;

    /// <summary>What the exchange with other machines threw: the group stands still then.</summary>
    public ExceptionDispatchInfo? Trouble { get; private set; }

    /// <summary>Work of all.</summary>
    public long Work => _partitions.Sum(partition => partition.Work);

    /// <summary>Runs this worker's seats up to the barrier, together with the other workers of the group.</summary>
    public void Run(int worker, long barrierNs, WorkerStatistics statistics)
    {
        int seats = _partitions.Length;
        long[] next = new long[seats];
        int parity = 0;
        for (int seat = 0; seat < seats; seat++)
        {
            if (WorkerOfSeat[seat] == worker)
            {
                Publish(seat, parity, clear: true);
            }
        }

        while (true)
        {
            if (!Meet(worker, parity, statistics))
            {
                return;
            }

            long endNs = Survey(parity, barrierNs, next);
            bool done = Smallest(next) >= endNs;
            long commonNs = CommonEnd(next, endNs);
            for (int seat = 0; seat < seats; seat++)
            {
                if (WorkerOfSeat[seat] == worker)
                {
                    RunSeat(seat, parity, done ? long.MinValue : WindowEnd(seat, next, commonNs));
                }
            }

            if (done)
            {
                return;
            }

            statistics.Windows++;
            parity ^= 1;
        }
    }

    /// <summary>
    /// Waits until the notes of all seats are there; false when the run goes no further, which all workers find in the
    /// same window.
    /// </summary>
    private bool Meet(int worker, int parity, WorkerStatistics statistics)
    {
        bool leads = _leader == worker;
        if (leads)
        {
            _abandoned[parity] = _simulation.Abandoned;
        }

        _gate.Arrive(statistics);
        if (_abandoned[parity])
        {
            return false;
        }

        if (_bridge is not null)
        {
            if (leads)
            {
                MeetElsewhere(_bridge, parity);
            }

            _gate.Arrive(statistics);
            if (Trouble is not null)
            {
                return false;
            }
        }

        if (leads)
        {
            WeighWindow(parity);
        }

        return true;
    }

    // The other workers wait at the gate, so whatever happens here must not keep the leader from it.
    private void MeetElsewhere(WindowBridge bridge, int parity)
    {
        try
        {
            bridge.Meet(parity);
        }
        catch (Exception e)
        {
            Trouble = ExceptionDispatchInfo.Capture(e);
        }
    }

    private void Publish(int seat, int parity, bool clear)
    {
        Partition partition = _partitions[seat];
        if (clear)
        {
            partition.OpenNote(parity);
            partition.Refresh();
        }

        WindowNote note = partition.Notes[parity];
        note.NextNs = partition.NextNs;
        note.FaultNs = partition.FaultNs;
        note.Work = partition.Work;
    }

    private void WeighWindow(int parity)
    {
        long busiest = 0;
        for (int first = 0; first < _partitions.Length; first++)
        {
            // Each worker is weighed once, at any of its seats; those that come later find nothing new.
            long work = 0;
            for (int seat = first; seat < _partitions.Length; seat++)
            {
                if (WorkerOfSeat[seat] == WorkerOfSeat[first])
                {
                    long now = _partitions[seat].Notes[parity].Work;
                    work += now - _workSeen[seat];
                    _workSeen[seat] = now;
                }
            }

            busiest = Math.Max(busiest, work);
        }

        CriticalWork += busiest;
    }

    /// <summary>Next event of every seat, frames under way included; returns where the group stops.</summary>
    private long Survey(int parity, long barrierNs, long[] next)
    {
        long endNs = barrierNs;
        for (int seat = 0; seat < next.Length; seat++)
        {
            WindowNote note = _partitions[seat].Notes[parity];
            next[seat] = note.NextNs;
            if (note.FaultNs < endNs)
            {
                endNs = note.FaultNs + 1;
            }
        }

        for (int from = 0; from < next.Length; from++)
        {
            WindowNote note = _partitions[from].Notes[parity];
            for (int to = 0; to < next.Length; to++)
            {
                next[to] = Math.Min(next[to], note.FirstArrivalAt(to));
            }
        }

        return endNs;
    }

    /// <summary>
    /// The earliest end of those that have something to run in this window. All stop there: one that ran further would
    /// only wait longer in the next window, for two that are out of step stay so, and work would swing between them.
    /// </summary>
    private long CommonEnd(long[] next, long endNs)
    {
        long commonNs = endNs;
        for (int seat = 0; seat < next.Length; seat++)
        {
            long seatEndNs = WindowEnd(seat, next, endNs);
            if (next[seat] < seatEndNs)
            {
                commonNs = Math.Min(commonNs, seatEndNs);
            }
        }

        return commonNs;
    }

    private long WindowEnd(int seat, long[] next, long endNs)
    {
        int seats = next.Length;
        for (int from = 0; from < seats; from++)
        {
            endNs = Math.Min(endNs, Partition.Later(next[from], _distances[(from * seats) + seat]));
        }

        return endNs;
    }

    private void RunSeat(int seat, int parity, long endNs)
    {
        Partition partition = _partitions[seat];
        for (int from = 0; from < _partitions.Length; from++)
        {
            partition.Merge(_partitions[from].Notes[parity].FramesTo(seat), _simulation.Hosts);
        }

        partition.OpenNote(parity ^ 1);
        if (endNs != long.MinValue)
        {
            partition.Run(endNs);
            Publish(seat, parity ^ 1, clear: false);
        }
    }

    private static long Smallest(long[] times)
    {
        long smallest = long.MaxValue;
        foreach (long time in times)
        {
            smallest = Math.Min(smallest, time);
        }

        return smallest;
    }
}
