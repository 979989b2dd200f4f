// The default shape of a liveness property: pressure, then calm, in which every waiter must get on.
using System.Globalization;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Kernel;

namespace ClusterSwap.Exploration.Properties;

/// <summary>
/// Runs deployments. While the workload presses, safety monitors look on. Then it is stopped, and what sends to the
/// blades falls silent: whoever waits must get on within a bound, every request must end, nobody may stay throttled.
/// A hang under pressure alone is no failure of a patched kernel that calm would mend; one that calm does not mend is.
/// </summary>
/// <remarks>
/// A deadlock is called when nothing has moved for 10 s, longer than TCP's timers leave a doubt, and the wait-for graph
/// has no way out; a livelock after the kernel's hung-task time of 120 s. The same deployment and schedule give the
/// same
/// finding in every process.
/// </remarks>
public sealed class PressureThenCalm
{
    private const long SecondNs = 1_000_000_000;
    private const long MsNs = 1_000_000;
    private const int BarriersBetweenWalks = 4;

    // How often the wait-for graph is asked, by the time after which it is asked first.
    private const int LooksPerSuspicion = 10;

    /// <summary>Virtual time without progress after which the wait-for graph is asked, ns.</summary>
    public long SuspicionNs { get; init; } = 10 * SecondNs;

    /// <summary>Virtual time within which every waiter must get on, ns: the kernel's hung-task time.</summary>
    public long BoundNs { get; init; } = 120 * SecondNs;

    /// <summary>Runs one deployment to its end.</summary>
    /// <param name="deployment">What runs.</param>
    /// <param name="schedule">Order among the messages of one instant; fifo by default.</param>
    /// <param name="watch">Sees the run; nobody by default.</param>
    public Finding Run(Deployment deployment, ScheduleStrategy? schedule = null, ITrialWatch? watch = null)
    {
        using var cluster = ClusterBuilder.Build(deployment.ToScenario(), deployment.Seed, schedule);
        return new Trial(this, deployment, cluster, watch).Run();
    }

    /// <summary>Packets from the reserve that the filters of a blade's ordinary sockets have dropped.</summary>
    internal static long Filtered(Simulation simulation, BladeStates blade)
    {
        var filtered = SafetyMonitors.Datagrams(simulation, blade)?.FilterDrops ?? 0;
        for (var stream = 0; stream < blade.Streams; stream++)
        {
            filtered += blade.Reader(stream).Counters.FilterDrops;
        }

        return filtered;
    }

    /// <summary>One run under way.</summary>
    private sealed class Trial(
        PressureThenCalm shape, Deployment deployment, Cluster cluster, ITrialWatch? watch)
    {
        private readonly Simulation _simulation = cluster.Simulation;
        private readonly BladeStates[] _blades =
            [.. cluster.Blades.Select(place => new BladeStates(cluster.Simulation, place))];

        private readonly Dictionary<int, StoppedProcesses> _stopped = [];
        private readonly List<string> _story = [];
        private Goal _goals;
        private Outcome? _outcome;
        private HangCause _cause;
        private int _barriers;
        private long _nextLookNs;

        public Finding Run()
        {
            var calmNs = deployment.PressureMs * MsNs;
            watch?.Begin(cluster, _blades);
            try
            {
                Drive(calmNs, OnPressure);
                if (_outcome is null)
                {
                    BeginCalm();
                    Drive(calmNs + shape.BoundNs, OnCalm);
                    _outcome ??= StuckAtTheBound();
                }

                Conserve();
            }
            catch (Exception fault) when (fault is InvalidOperationException or SimulationFaultException)
            {
                _outcome = Outcome.Safety;
                _story.Insert(0, fault.Message);
            }

            watch?.End();
            return new Finding(
                deployment, _outcome!.Value, _cause, _goals, _simulation.TimeNs,
                _simulation.Fingerprint.ToString("x32", CultureInfo.InvariantCulture), _story);
        }

        private void Drive(long untilNs, Func<bool> isOver) => _simulation.Run(new RunOptions
        {
            UntilNs = untilNs,
            InvariantInterval = 0,
            OnBarrier = _ => !(Look() || isOver()),
        });

        /// <summary>What is looked at at every barrier; true ends the run.</summary>
        private bool Look()
        {
            watch?.Look();
            foreach (var blade in _blades)
            {
                if (SafetyMonitor.FirstBroken(_simulation, blade) is { } broken)
                {
                    _story.Add(broken);
                    _outcome = Outcome.Safety;
                    return true;
                }

                if (blade.Blade.OutOfMemoryNs >= 0)
                {
                    _story.Add($"{blade.Place.Name}: the OOM killer was called at {Ms(blade.Blade.OutOfMemoryNs)}");
                    _story.AddRange(HangStory.Tell(blade, _simulation));
                    _outcome = Outcome.Oom;
                    return true;
                }

                Reach(blade);
            }

            if (++_barriers % BarriersBetweenWalks == 0 && _simulation.TimeNs <= deployment.PressureMs * MsNs)
            {
                Conserve();
            }

            return false;
        }

        private void Reach(BladeStates blade)
        {
            var stat = blade.Memory.Stat;
            _goals |= stat[VmCounter.pswpout] > 0 ? Goal.Pressure : Goal.None;
            _goals |= stat[VmCounter.reserve_pages_taken] > 0 ? Goal.Reserve : Goal.None;
            _goals |= stat[VmCounter.pgscan_direct_throttle] > 0 ? Goal.Throttle : Goal.None;
            _goals |= Filtered(_simulation, blade) > 0 ? Goal.FilteredPacket : Goal.None;
        }

        private bool OnPressure()
        {
            if (Array.TrueForAll(_blades, blade => blade.Unfinished() == 0))
            {
                _outcome = Outcome.GotOn;
                return true;
            }

            return false;
        }

        private void BeginCalm()
        {
            for (var host = 0; host < _simulation.HostCount; host++)
            {
                _simulation.Host(host).Interceptor = new SilentTraffic();
            }

            foreach (var blade in _blades)
            {
                var stopped = new StoppedProcesses(_simulation, blade.Place);
                _simulation.Host(blade.Place.Host).Interceptor = stopped;
                _stopped[blade.Place.Host] = stopped;
            }

            _nextLookNs = _simulation.TimeNs + shape.SuspicionNs;
        }

        private bool OnCalm()
        {
            if (Array.TrueForAll(_blades, IsAtRest))
            {
                _outcome = Outcome.GotOn;
                return true;
            }

            if (_simulation.TimeNs < _nextLookNs)
            {
                return false;
            }

            _nextLookNs += shape.SuspicionNs / LooksPerSuspicion;
            foreach (var blade in _blades)
            {
                if (!IsAtRest(blade) && _simulation.TimeNs - blade.Blade.ProgressNs >= shape.SuspicionNs
                    && WaitForGraph.Of(_simulation, blade, StoppedOn(blade)).IsKnot)
                {
                    _outcome = Outcome.Deadlock;
                    Tell(blade, "deadlock");
                    return true;
                }
            }

            return false;
        }

        private Outcome StuckAtTheBound()
        {
            var blade = Array.Find(_blades, blade => !IsAtRest(blade))!;
            Tell(blade, "livelock");
            return Outcome.Livelock;
        }

        /// <summary>Its processes have ended or stopped, nothing is in flight, and nobody is throttled.</summary>
        private bool IsAtRest(BladeStates blade)
        {
            var stopped = StoppedOn(blade);
            for (var process = 0; process < blade.Processes; process++)
            {
                if (blade.Process(process).EndedNs < 0 && !stopped.Contains(BladeTasks.Process(process)))
                {
                    return false;
                }
            }

            var queue = blade.Device.Queue;
            return queue.InFlight(write: true) == 0 && queue.InFlight(write: false) == 0
                && blade.Blade.Throttled.All(node => node.Count == 0);
        }

        private IReadOnlySet<int> StoppedOn(BladeStates blade) => _stopped[blade.Place.Host].Tasks;

        private void Conserve()
        {
            foreach (var blade in _blades)
            {
                var stopped = _stopped.GetValueOrDefault(blade.Place.Host)?.Tasks;
                Conservation.Check(_simulation, blade.Place, stopped);
            }
        }

        private void Tell(BladeStates blade, string what)
        {
            _cause = HangCauses.OfBlade(blade);
            _story.Add($"{blade.Place.Name}: {what} in calm, {HangCauses.Of(_cause)}; "
                + $"nothing has moved since {Ms(blade.Blade.ProgressNs)}");
            _story.AddRange(HangStory.Tell(blade, _simulation));
        }

        private static string Ms(long ns) => string.Create(CultureInfo.InvariantCulture, $"{ns / 1e6:N1} ms");
    }
}
