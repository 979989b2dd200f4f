// From barrier to barrier: what all nodes saw is joined, and one decision goes to all.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;

namespace ClusterSwap.Clustering;

internal sealed partial class EpochRun
{
    /// <summary>The run from its start in this epoch to its end, or to that of the epoch.</summary>
    private RunReport? Lead()
    {
        while (true)
        {
            Await(
                () => Enumerable.Range(0, _nodes.Length).All(i => _reports[i] is not null || _faults[i] is not null),
                KeepCheckpoint, patience: null, () => "");
            KeepCheckpoint();
            if (Array.Exists(_faults, fault => fault is not null))
            {
                return AfterFault();
            }

            long timeNs = TimeOfBarrier();
            HasAdvanced |= timeNs > _beganNs;
            var seen = Sighting.Join([.. _reports.Select(report => report!.Sighting)]);
            Show(timeNs, seen);
            (Verdict? verdict, StopReason? reason) = Judge(timeNs, seen);
            bool ends = verdict is not null || reason is not null;
            bool moves = !ends && WantsOtherNodes();

            // A run that the user stopped goes on from the very barrier at which it stopped. Where an epoch begins, there is
            // a checkpoint already.
            bool checkpoint = _checkpoints.Newest?.TimeNs != timeNs
                && (moves || verdict == Verdict.Interrupted || (!ends && _checkpoints.IsDue()));
            if (checkpoint)
            {
                AwaitCheckpoint();
                _checkpoints.Ask(timeNs);
            }

            Array.Clear(_reports);
            SendAll(new BarrierAnswer(
                timeNs, checkpoint, ends ? AfterBarrier.Report : moves ? AfterBarrier.EndEpoch : AfterBarrier.GoOn));
            if (ends)
            {
                return Finish(timeNs, verdict ?? Verdict.Unknown, seen);
            }

            if (moves)
            {
                AwaitCheckpoint();
                return null;
            }
        }
    }

    private long TimeOfBarrier()
    {
        long timeNs = _reports[0]!.TimeNs;
        BarrierReport? other = Array.Find(_reports, report => report!.TimeNs != timeNs);
        return other is null
            ? timeNs
            : throw new InvalidOperationException($"nodes stand at different barriers, {timeNs} and {other.TimeNs} ns");
    }

    private (Verdict? Verdict, StopReason? Reason) Judge(long timeNs, Sighting seen)
    {
        if (_setting.Request.OnProgress is { } progress && !progress(seen.Progress))
        {
            return (Verdict.Interrupted, StopReason.Observer);
        }

        if (seen.Verdict is { } verdict)
        {
            return (verdict, StopReason.Observer);
        }

        return timeNs >= _setting.UntilNs
            ? (null, StopReason.Until)
            : Array.TrueForAll(_reports, report => report!.NextNs == long.MaxValue) ? (null, StopReason.Quiet) : (null, null);
    }

    /// <summary>A node has come that could take load, or one asked to be let go.</summary>
    private bool WantsOtherNodes()
    {
        var staying = _setting.Desk.Staying.Select(member => member.UniqueAddress).ToHashSet();
        bool leaves = !Array.TrueForAll(_nodes, node => staying.Contains(node.Member));
        bool comes = _setting.Partitions.Length > _nodes.Length && _setting.Newcomers(_nodes) > 0;
        return leaves || comes;
    }

    private void AwaitCheckpoint()
    {
        Await(() => !_checkpoints.IsUnderWay || _checkpoints.IsComplete, () => { }, patience: null, () => "");
        KeepCheckpoint();
    }

    /// <summary>Writes a checkpoint that has arrived from all nodes into the journal.</summary>
    private void KeepCheckpoint()
    {
        if (!_checkpoints.IsComplete)
        {
            return;
        }

        _checkpoints.Keep();
        CheckpointAssembly checkpoint = _checkpoints.Newest!;
        _recorder?.AppendCheckpoint(checkpoint.TimeNs, CheckpointKeeper.BlobOf(checkpoint));
        _setting.Log(FormattableString.Invariant(
            $"Checkpoint at {checkpoint.TimeNs / 1_000_000_000m:F3} s of virtual time, epoch {_epoch}"));
    }

    private RunReport Finish(long timeNs, Verdict verdict, Sighting seen)
    {
        Await(
            () => Enumerable.Range(0, _nodes.Length).All(i => _finals[i] is not null || _faults[i] is not null),
            () => { }, patience: null, () => "");
        AwaitCheckpoint();
        if (Array.Exists(_faults, fault => fault is not null))
        {
            return AfterFault();
        }

        FinalReport[] finals = [.. _finals.Select(final => final!)];
        var limiting = finals.Where(final => final.LookaheadNs > 0).MinBy(final => final.LookaheadNs);
        return new RunReport
        {
            Verdict = verdict,
            Fingerprint = Fingerprint([.. finals.Select(final => final.Totals)]),
            VirtualNs = timeNs,
            Messages = finals.Sum(final => final.Totals.Messages),
            Events = finals.Sum(final => final.Totals.Events),
            LookaheadNs = limiting?.LookaheadNs ?? 0,
            LookaheadLink = limiting?.LookaheadLink ?? "",
            Blades = BladesOf(finals),
            Hang = verdict == Verdict.Interrupted ? null : seen.Hang,
            Notes = RunReports.NotesOn(verdict, verdict == Verdict.Interrupted ? null : seen.Note, timeNs),
            Statistics = _setting.Watch.Statistics(_setting.Partitions.Length, _nodes.Length),
        };
    }

    private static BladeReport[] BladesOf(FinalReport[] finals)
    {
        var sent = finals.SelectMany(final => final.SentPlaces.Zip(final.SentCounters))
            .ToDictionary(one => one.First, one => one.Second);
        return [.. finals.SelectMany(final => final.Places.Zip(final.Blades)).OrderBy(blade => blade.First)
            .Select(blade => sent.TryGetValue(blade.First, out var counters)
                ? RunReports.With(blade.Second, counters)
                : blade.Second)];
    }

    /// <summary>
    /// The first fault in virtual time is the run's, whoever ran ahead. Nodes that it did not reach stand at the barrier
    /// after it, as on one machine.
    /// </summary>
    private RunReport AfterFault()
    {
        for (int i = 0; i < _nodes.Length; i++)
        {
            if (_reports[i] is { } report)
            {
                _outbox.Send(i, new BarrierAnswer(report.TimeNs, Checkpoint: false, AfterBarrier.Report));
            }
        }

        Await(
            () => Enumerable.Range(0, _nodes.Length).All(i => _finals[i] is not null || _faults[i] is not null),
            () => { }, patience: null, () => "");
        NodeFault first = _faults.OfType<NodeFault>().Where(fault => fault.HostId != int.MaxValue)
            .OrderBy(fault => fault.TimeNs).ThenBy(fault => fault.HostId).FirstOrDefault()
            ?? throw new EpochLostException("nodes tell of a fault elsewhere, and nobody has it");
        if (!first.IsSafety)
        {
            throw new ClusterRunException(first.Text) { IsInternal = true };
        }

        HostTotals[] totals = [.. Enumerable.Range(0, _nodes.Length).Select(i => _faults[i]?.Totals ?? _finals[i]!.Totals)];
        return new RunReport
        {
            Verdict = Verdict.Safety,
            Fingerprint = Fingerprint(totals),
            VirtualNs = totals.Min(total => total.TimeNs),
            Messages = totals.Sum(total => total.Messages),
            Events = totals.Sum(total => total.Events),
            Notes = [first.Text],
        };
    }

    private static string Fingerprint(HostTotals[] totals) => Simulation.FingerprintOf(
        totals.SelectMany(total => total.Hosts.Select((host, i) => (Host: host, Value: new UInt128(total.High[i], total.Low[i]))))
            .OrderBy(host => host.Host).Select(host => host.Value)).ToString("x32");

    private void Show(long timeNs, Sighting seen)
    {
        var nodes = new NodeStatus[_nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            BarrierReport report = _reports[i]!;
            string address = _nodes[i].Facts.Address;
            nodes[i] = new NodeStatus(
                address,
                _nodeOfPartition.Count(node => node == i),
                _blades[i],
                report.Windows,
                report.WallUs == 0 ? 0 : (int)(report.AwayUs * 1000 / report.WallUs),
                report.SentBytes,
                _setting.Desk.IsReachable(address));
        }

        long wallUs = _reports.Max(report => report!.WallUs);
        _setting.Watch.OnBarrier(_epoch, timeNs, seen.Progress, nodes, _checkpoints.Newest?.TimeNs ?? -1, wallUs);
    }
}
