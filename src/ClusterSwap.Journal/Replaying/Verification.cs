// A recorded run made again and compared with its journal.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using Barrier = ClusterSwap.Engine.Barrier;

namespace ClusterSwap.Journal;

/// <summary>What came of a comparison.</summary>
/// <param name="ComparedNs">Barriers were compared up to here, ns of virtual time.</param>
/// <param name="Barriers">How many barriers.</param>
/// <param name="Difference">The first difference; null when there is none.</param>
/// <param name="Damage">The journal's damage, up to which there was none; null when all of it was compared.</param>
public sealed record VerifyResult(
    long ComparedNs, int Barriers, Difference? Difference, JournalDamageException? Damage = null);

/// <summary>The first difference between a journal and the run made again.</summary>
public sealed record Difference
{
    /// <summary>Last barrier at which every host was the same, ns of virtual time.</summary>
    public required long SameNs { get; init; }

    /// <summary>First barrier at which a host was not, ns of virtual time.</summary>
    public required long DiffersNs { get; init; }

    /// <summary>Hosts that differ there.</summary>
    public required IReadOnlyList<int> Hosts { get; init; }

    /// <summary>The first event, if messages were recorded.</summary>
    public EventDifference? Event { get; init; }

    /// <summary>The first decision; null when all that were recorded are the same.</summary>
    public EventDifference? Decision { get; init; }

    /// <summary>What broke or ended differently, a sentence; null without.</summary>
    public string? End { get; init; }

    /// <summary>The host to look at.</summary>
    public int Host => First?.Host ?? (Hosts.Count > 0 ? Hosts[0] : 0);

    /// <summary>The moment to look at, ns of virtual time.</summary>
    public long TimeNs => First?.TimeNs ?? SameNs;

    // A rule may decide otherwise long before that leads to another message.
    private EventDifference? First => Event is null || Decision?.TimeNs < Event.TimeNs ? Decision : Event;
}

/// <summary>Compares runs with journals.</summary>
public sealed class Verification
{
    // Behind a difference that shows in no decision yet, or in no event, both are compared for so many barriers more.
    private const int BarriersMore = 10_000;

    private readonly IJournalReader _reader;
    private readonly Scenario _scenario;
    private readonly ulong _seed;
    private readonly int _threads;
    private readonly OwnCheckpoints _own = new();

    /// <summary>A comparison of a journal with the run of a scenario; it need not be the recorded one.</summary>
    public Verification(IJournalReader reader, Scenario scenario, ulong seed, int threads = 1)
    {
        _reader = reader;
        _scenario = scenario;
        _seed = seed;
        _threads = threads;
    }

    /// <summary>CPU time used, ns, by which the run's own checkpoints are spaced; null takes one at each
    /// barrier.</summary>
    public Func<long>? CpuNs { get; init; }

    /// <summary>Told at barriers how far it is, ns of virtual time.</summary>
    public Action<long>? Tell { get; init; }

    /// <summary>The build of rules and engine, as headers name it.</summary>
    public static string Build => RunHeader.Build;

    /// <summary>The run made again, to look at it where it differs.</summary>
    public Reexecution Again() => new(_scenario, _seed, _own);

    private bool IsComplete => _reader.Header.Level == "all";

    /// <summary>Runs and compares up to the first difference, damage, or the end of the journal.</summary>
    public VerifyResult Run(CancellationToken stop)
    {
        using Cluster cluster = ClusterBuilder.Build(_scenario, _seed);
        Simulation simulation = cluster.Simulation;
        using var series = new CheckpointSeries(simulation, new CheckpointOptions { CpuNs = CpuNs }, _own);
        using var decisions = new EventComparison(cluster, messages: false);
        using var expected = new Expectation(_reader, decisions);
        var watch = new ClusterWatch(cluster, new RunRequest { Scenario = _scenario, Variant = _scenario.Variant, Seed = _seed });
        var result = new VerifyResult(0, 0, null);
        try
        {
            foreach ((long timeNs, List<RecordedDigest> recorded) in Barriers(_reader.Digests()))
            {
                stop.ThrowIfCancellationRequested();
                expected.To(timeNs);
                if (Compare(simulation, series, decisions, result.ComparedNs, timeNs, recorded) is { } difference)
                {
                    return result with { Difference = difference };
                }

                result = result with { ComparedNs = timeNs, Barriers = result.Barriers + 1 };
                if (timeNs % _scenario.BarrierIntervalNs == 0)
                {
                    watch.OnBarrier(new Barrier(timeNs, simulation));
                }

                series.OnBarrier();
                Tell?.Invoke(timeNs);
            }
        }
        catch (JournalDamageException damage)
        {
            return result with { Damage = damage };
        }

        series.Finish();
        return result with { Difference = EndDifference(simulation, watch, result.ComparedNs) };
    }

    // Runs to the next barrier, and looks at every host there and at every decision before it.
    private Difference? Compare(
        Simulation simulation, CheckpointSeries series, EventComparison decisions, long sameNs, long timeNs,
        List<RecordedDigest> recorded)
    {
        if (RunTo(simulation, timeNs) is { } broken)
        {
            return Locate(series, sameNs, timeNs, [], broken);
        }

        decisions.CloseWindow(timeNs);
        int[] differing =
        [
            .. recorded.Select(digest => digest.Host).Where((host, i) => !IsSame(simulation, recorded[i]) || decisions.Differs(host)),
        ];
        return differing.Length > 0 ? Locate(series, sameNs, timeNs, differing, null) : null;
    }

    private string? RunTo(Simulation simulation, long timeNs)
    {
        try
        {
            simulation.Run(new RunOptions { UntilNs = timeNs, Threads = _threads, InvariantInterval = 0 });
            return null;
        }
        catch (SimulationFaultException fault)
        {
            return $"the run breaks here, and did not when it was recorded: {fault.Message}";
        }
    }

    private static bool IsSame(Simulation simulation, RecordedDigest digest) =>
        digest.Digest == simulation.HostFingerprint(digest.Host) && digest.Messages == simulation.Host(digest.Host).Messages;

    private Difference? EndDifference(Simulation simulation, ClusterWatch watch, long sameNs)
    {
        if (_reader.End is not { } end)
        {
            return null;
        }

        string verdict = VerdictWords.Word(watch.Verdict ?? Verdict.Unknown);
        bool comparable = end.Verdict is not ("interrupted" or "safety");
        return comparable && end.Verdict != verdict && end.VirtualNs == simulation.TimeNs
            ? new Difference
            {
                SameNs = sameNs,
                DiffersNs = sameNs,
                Hosts = [],
                End = $"everything that happened is the same, but the verdict was {end.Verdict} and is {verdict} now",
            }
            : null;
    }

    /// <summary>Finds event and decision between two barriers, or one of them later.</summary>
    private Difference Locate(CheckpointSeries series, long sameNs, long differsNs, int[] hosts, string? broken)
    {
        series.Finish();
        using Reexecution again = Again();
        again.GoTo(sameNs);
        using var comparison = new EventComparison(again.Cluster, IsComplete);
        EventDifference? first = null;
        EventDifference? decision = null;
        int tried = 0;
        long fromNs = sameNs;
        foreach ((long timeNs, _) in Barriers(_reader.Digests(fromNs: sameNs + 1)))
        {
            comparison.Expect(_reader.Events(new EventFilter { FromNs = fromNs, ToNs = timeNs - 1 }));
            bool ended = RunTo(again.Cluster.Simulation, timeNs) is not null;
            comparison.CloseWindow(timeNs);
            first ??= comparison.FirstEvent;
            decision ??= comparison.FirstDecision;
            fromNs = timeNs;
            bool found = decision is not null && (first is not null || !IsComplete);
            if (ended || found || ++tried > BarriersMore)
            {
                break;
            }
        }

        return new Difference
        {
            SameNs = sameNs,
            DiffersNs = differsNs,
            Hosts = hosts,
            Event = first,
            Decision = decision,
            End = broken,
        };
    }

    private static IEnumerable<(long TimeNs, List<RecordedDigest> Hosts)> Barriers(IEnumerable<RecordedDigest> digests)
    {
        var hosts = new List<RecordedDigest>();
        foreach (RecordedDigest digest in digests)
        {
            if (hosts.Count > 0 && hosts[0].TimeNs != digest.TimeNs)
            {
                yield return (hosts[0].TimeNs, hosts);
                hosts = [];
            }

            hosts.Add(digest);
        }

        if (hosts.Count > 0)
        {
            yield return (hosts[0].TimeNs, hosts);
        }
    }

    /// <summary>Recorded decisions, told to a comparison barrier by barrier.</summary>
    private sealed class Expectation(IJournalReader reader, EventComparison comparison) : IDisposable
    {
        private readonly IEnumerator<RecordedEvent> _events = reader.Events(new EventFilter { Messages = false }).GetEnumerator();
        private bool _begun;
        private bool _more;

        /// <summary>Tells all before a barrier.</summary>
        public void To(long timeNs)
        {
            if (!_begun)
            {
                _begun = true;
                _more = _events.MoveNext();
            }

            for (; _more && _events.Current.TimeNs < timeNs; _more = _events.MoveNext())
            {
                RecordedEvent one = _events.Current;
                comparison.Expect(in one);
            }
        }

        /// <inheritdoc/>
        public void Dispose() => _events.Dispose();
    }

    /// <summary>Checkpoints of the run made again, in memory: those since the last full one.</summary>
    private sealed class OwnCheckpoints : ICheckpointSink, ICheckpointSource
    {
        private readonly object _gate = new();
        private readonly List<(Engine.CheckpointPart Part, byte[] Bytes)> _parts = [];

        public IReadOnlyList<long> TimesNs
        {
            get
            {
                lock (_gate)
                {
                    return [.. _parts.Where(stored => stored.Part.Last).Select(stored => stored.Part.TimeNs)];
                }
            }
        }

        public void Write(in Engine.CheckpointPart part)
        {
            lock (_gate)
            {
                // The one before a full one is still needed: a difference may show before the full one's barrier.
                if (part is { Full: true, Ordinal: 0 } && _parts.FindLastIndex(stored => stored.Part is { Full: true, Ordinal: 0 }) is > 0 and var last)
                {
                    _parts.RemoveRange(0, last);
                }

                _parts.Add((part, part.Bytes.ToArray()));
            }
        }

        public CheckpointAssembly? Load(int place)
        {
            lock (_gate)
            {
                long timeNs = TimesNs[place];
                var assembly = new CheckpointAssembly();
                foreach ((Engine.CheckpointPart part, byte[] bytes) in _parts)
                {
                    assembly.Add(bytes);
                    if (part.Last && part.TimeNs == timeNs)
                    {
                        break;
                    }
                }

                return assembly;
            }
        }
    }
}
