// Looks at a cluster at every barrier: is it done, does it hang, is it time for a checkpoint?
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.ProcFiles;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Blades.Runs;

/// <summary>The observer of a run's barriers. It changes nothing in the run but when it ends.</summary>
public sealed class ClusterWatch(Cluster cluster, RunRequest request, ProcTree? proc = null, FtraceFiles? trace = null)
{
    /// <summary>
    /// A stall from which on it is analysed who waits for whom, ns. Most shorter ones end by TCP's timers. A knot is
    /// final however soon it is seen; who looks earlier pays for more looks.
    /// </summary>
    public long SuspicionNs { get; init; } = 10 * KernelTimes.SecondNs;

    // Blades that live elsewhere are looked at there.
    private readonly (int Index, BladeStates States)[] _blades =
    [
        .. cluster.Blades.Index().Where(blade => cluster.Simulation.IsLocal(blade.Item.Host))
            .Select(blade => (blade.Index, new BladeStates(cluster.Simulation, blade.Item))),
    ];

    private readonly Dictionary<int, (int Pages, int Slabs)> _mostReserve = [];
    private bool _checkpointed;
    private Sighting? _last;

    /// <summary>How the run ended, once it is known.</summary>
    public Verdict? Verdict { get; private set; }

    /// <summary>The story of a hang.</summary>
    public HangReport? Hang => _last?.Hang;

    /// <summary>A remark that belongs to the verdict, a sentence; null without one.</summary>
    public string? Note => _last?.Note;

    /// <summary>Called at each barrier; false ends the run.</summary>
    public bool OnBarrier(Barrier barrier)
    {
        request.Recorder?.OnBarrier(barrier);
        Checkpoint(barrier);
        trace?.Drain();
        if (proc is not null && barrier.TimeNs % request.ProcEveryNs == 0)
        {
            proc.Write(barrier.TimeNs);
        }

        var seen = Look(barrier);
        if (request.OnProgress is { } progress && !progress(seen.Progress))
        {
            Verdict = Runs.Verdict.Interrupted;
            return false;
        }

        _last = seen;
        Verdict = seen.Verdict;
        return Verdict is null;
    }

    /// <summary>Looks at the blades that live here.</summary>
    public Sighting Look(Barrier barrier)
    {
        NoteOrdinarySockets();
        var working = 0;
        foreach (var (index, blade) in _blades)
        {
            if (JudgeBlade(index, blade, barrier, ref working) is { } decided)
            {
                return decided;
            }
        }

        return Seen(barrier, working);
    }

    /// <summary>
    /// Whether a run whose state was taken at a barrier had ended there: it goes no further. Judging it a second time changes
    /// nothing.
    /// </summary>
    public bool IsOver()
    {
        var timeNs = cluster.Simulation.TimeNs;
        if (timeNs > 0 && timeNs % request.Scenario.BarrierIntervalNs == 0)
        {
            _last = Look(new Barrier(timeNs, cluster.Simulation));
            Verdict = _last.Verdict;
        }

        return Verdict is not null;
    }

    /// <summary>
    /// Most receive pages and most slabs of the reserve that ordinary sockets of a blade held at any barrier since the
    /// run, or its restore, began.
    /// </summary>
    public (int Pages, int Slabs) MostReserve(BladePlace blade) => _mostReserve.GetValueOrDefault(blade.Host);

    private void NoteOrdinarySockets()
    {
        foreach (var place in cluster.LocalBlades)
        {
            if (OrdinarySockets.Of(cluster.Simulation, place) is { } sockets)
            {
                var (pages, slabs) = MostReserve(place);
                _mostReserve[place.Host] = (Math.Max(pages, sockets.ReservePages), Math.Max(slabs, sockets.ReserveSlabs));
            }
        }
    }

    private void Checkpoint(Barrier barrier)
    {
        if (_checkpointed || request.CheckpointFile is not { } path || barrier.TimeNs < (request.CheckpointAtNs ?? 0))
        {
            return;
        }

        _checkpointed = true;
        var temporary = path + ".tmp";
        using (var file = File.Create(temporary))
        {
            barrier.Simulation.Checkpoint(file);
        }

        File.Move(temporary, path, overwrite: true);
    }

    private RunProgress Progress(Barrier barrier)
    {
        long done = 0, total = 0, throttled = 0;
        foreach (var (_, blade) in _blades)
        {
            throttled += blade.Memory.Stat[VmCounter.pgscan_direct_throttle];
            for (var process = 0; process < blade.Processes; process++)
            {
                var workload = blade.Process(process).Workload!;
                done += workload.Touched;
                total += workload.TotalTouches;
            }
        }

        return new RunProgress(barrier.TimeNs, done, total, barrier.Simulation.Messages, throttled);
    }

    private Sighting Seen(Barrier barrier, int working)
    {
        var killed = _blades.Sum(blade => blade.States.Killed());
        var loss = Array.Find(_blades, blade => blade.States.Device.Failed || (killed > 0 && blade.States.Killed() > 0));
        return new Sighting
        {
            Progress = Progress(barrier),
            Working = working,
            Swapped = Array.Exists(_blades, blade => blade.States.Memory.Stat[VmCounter.pswpout] > 0),
            Killed = killed,
            LossBlade = loss.States is null ? int.MaxValue : loss.Index,
            LossNote = loss.States is null ? null : RunNotes.Loss(loss.States),
        };
    }

    /// <summary>What one blade means for the run; null when it decides nothing.</summary>
    private Sighting? JudgeBlade(int index, BladeStates blade, Barrier barrier, ref int working)
    {
        if (blade.Blade.OutOfMemoryNs >= 0)
        {
            return Seen(barrier, working) with
            {
                Blade = index,
                BladeVerdict = Runs.Verdict.Oom,
                BladeNote = RunNotes.OutOfMemory(blade),
            };
        }

        var unfinished = blade.Unfinished();
        working += unfinished > 0 ? 1 : 0;
        return unfinished > 0 && HangOf(blade, unfinished, barrier) is { } hang
            ? Seen(barrier, working) with { Blade = index, BladeVerdict = hang.Verdict, Hang = hang.Report }
            : null;
    }

    private (Verdict Verdict, HangReport Report)? HangOf(BladeStates blade, int unfinished, Barrier barrier)
    {
        var stallNs = barrier.TimeNs - blade.Blade.ProgressNs;
        if (stallNs < SuspicionNs)
        {
            return Starved(blade, barrier);
        }

        var graph = WaitForGraph.Of(barrier.Simulation, blade);
        var who = HangStory.Text($"{unfinished:N0} of {HangStory.Processes(blade.Processes)}");
        var still = $"For {HangStory.Seconds(stallNs)} no page was got and no I/O ended";
        if (graph.IsKnot)
        {
            return (Runs.Verdict.Deadlock, new HangReport(
                $"{blade.Place.Name}: deadlock. {still}, and nothing that can still happen changes that: "
                + $"{who} wait in a circle.",
                HangStory.Tell(blade, barrier.Simulation))
            {
                Blade = blade.Place.Name,
                SinceNs = blade.Blade.ProgressNs,
            });
        }

        if (UnexcusedNs(blade, blade.Blade.ProgressNs, barrier.TimeNs) >= request.Scenario.HangAfterNs)
        {
            return (Runs.Verdict.Livelock, new HangReport(
                $"{blade.Place.Name}: livelock. {still}, although things still happen: {who} are not done.",
                [.. HangStory.Tell(blade, barrier.Simulation), .. graph.WaysOut().Select(way => "not at an end: " + way)])
            {
                Blade = blade.Place.Name,
                SinceNs = blade.Blade.ProgressNs,
            });
        }

        return null;
    }

    // While a fault is in force that ends by itself, standing still is what the scenario asks for.
    private static long UnexcusedNs(BladeStates blade, long fromNs, long toNs) =>
        toNs - fromNs - blade.Place.Faults.Sum(fault => fault.InForceNs(fromNs, toNs));

    private (Verdict Verdict, HangReport Report)? Starved(BladeStates blade, Barrier barrier)
    {
        for (var process = 0; process < blade.Processes; process++)
        {
            var state = blade.Process(process);
            var idleNs = barrier.TimeNs - state.LastProgressNs;
            if (state.EndedNs < 0 && UnexcusedNs(blade, state.LastProgressNs, barrier.TimeNs) >= request.Scenario.HangAfterNs)
            {
                return (Runs.Verdict.Starvation, new HangReport(
                    $"{blade.Place.Name}: starvation. Process {process} has got nothing for "
                    + $"{HangStory.Seconds(idleNs)} while others moved.",
                    [$"process {process} {HangStory.WaitOf(blade, process)}", .. HangStory.Tell(blade, barrier.Simulation)])
                {
                    Blade = blade.Place.Name,
                    SinceNs = state.LastProgressNs,
                });
            }
        }

        return null;
    }
}
