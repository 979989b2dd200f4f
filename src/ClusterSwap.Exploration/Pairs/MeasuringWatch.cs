// Takes the measures of a run.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Exploration.Properties;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Exploration.Pairs;

/// <summary>
/// Reads counters when the run has ended. What has none is looked at while it happens: what taps hold, and who enters
/// reclaim while half of the reserve is gone.
/// </summary>
internal sealed class MeasuringWatch : ITrialWatch
{
    private Cluster _cluster = null!;
    private IReadOnlyList<BladeStates> _blades = [];
    private EntryListener[] _entries = [];
    private long _tapMost;

    /// <summary>The measures, once the run has ended.</summary>
    public Measures Measures { get; private set; } = new();

    /// <inheritdoc/>
    public void Begin(Cluster cluster, IReadOnlyList<BladeStates> blades)
    {
        _cluster = cluster;
        _blades = blades;
        _entries = [.. blades.Select(blade => new EntryListener(blade))];
        for (var i = 0; i < _entries.Length; i++)
        {
            FtraceFiles.LogOf(cluster, blades[i].Place).Listen(EntryListener.Events, _entries[i]);
        }
    }

    /// <inheritdoc/>
    public void Look()
    {
        var held = 0L;
        foreach (var blade in _blades)
        {
            if (blade.Place.Group.Background.Tap)
            {
                var tap = _cluster.Simulation.Actor<Tap>(blade.Place.Host, BladeActors.Tap(blade.Place.Group)).Inspect;
                held += tap.HoldingReserve(blade.Memory.Pages.Frames);
            }
        }

        _tapMost = Math.Max(_tapMost, held);
    }

    /// <inheritdoc/>
    public void End()
    {
        Look();
        Measures = new Measures
        {
            MinFreePages = _blades.Min(blade => blade.Memory.MinFreePages),
            ReservePagesTaken = Sum(VmCounter.reserve_pages_taken),
            PagesOut = Sum(VmCounter.pswpout),
            AllocStall = Sum(VmCounter.allocstall),
            Throttled = Sum(VmCounter.pgscan_direct_throttle),
            ReclaimsBelowHalf = _entries.Sum(entries => entries.BelowHalf),
            SenderMemoryWaits = _blades.Sum(blade => blade.Device.Counters.MemoryWaits),
            RefillsFailed = _blades.Sum(blade => blade.Softirq.Ring.RxAllocFailed),
            FramesLost = _blades.Sum(blade => blade.Softirq.Ring.RxMissed + blade.Softirq.Ring.RxDropped),
            PacketsFiltered = _blades.Sum(blade => PressureThenCalm.Filtered(_cluster.Simulation, blade)),
            TapReserveMost = _tapMost,
            ArpAllocFailed = _blades.Sum(blade => blade.Neighbours?.AllocFailures ?? 0),
        };
    }

    private long Sum(VmCounter counter) => _blades.Sum(blade => blade.Memory.Stat[counter]);

    /// <summary>Sees direct reclaims begin, and how much is free at that moment.</summary>
    private sealed class EntryListener(BladeStates blade) : ITraceListener
    {
        public const ulong Events = 1UL << (int)TraceEvent.mm_vmscan_direct_reclaim_begin;

        public long BelowHalf { get; private set; }

        public void Traced(in TraceRecord record)
        {
            // The NBD receiver is a user's process, the sender and kswapd are threads of the kernel.
            var isKernelThread = record.Task is BladeTasks.Kswapd or BladeTasks.NbdSender;
            if (isKernelThread || ((Gfp)record.C & Gfp.Fs) == 0)
            {
                return;
            }

            long reserve = 0, free = 0;
            foreach (var zone in blade.Memory.Pages.Zones)
            {
                reserve += zone.Min;
                free += zone.NrFree;
            }

            BelowHalf += free <= reserve / 2 ? 1 : 0;
        }
    }
}
