// `replay RUN --why`: the event that made a hang unavoidable.
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Cli.Runs;
using ClusterSwap.Exploration.Critical;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Replaying;

/// <summary>Names the critical event of a hang, and says how it was found.</summary>
internal sealed class WhyReplay(CliConsole console, JournalledRun run, ReplayOptions options, ReplayProgress progress)
{
    /// <summary>Searches.</summary>
    public int Run(AtomicFile? json, CancellationToken stop)
    {
        if (run.Reader.End is { } end && end.Verdict is not ("deadlock" or "livelock" or "starvation"))
        {
            throw new UsageException($"--why asks why a run hung, and run {run.RunId} ended as {end.Verdict}");
        }

        using var again = new Reexecution(run.Scenario, run.Reader.Header.Seed, JournalCheckpoints.OfThisBuild(run.Reader));
        progress.Tell("going to the hang");
        var report = new Branch(again.GoTo(LastCheckpoint(again)), run.Scenario).RunToEnd(stop);
        var hang = report.Hang
            ?? throw new UsageException($"--why asks why a run hung, and run {run.RunId} ends as {VerdictWords.Word(report.Verdict)}");
        var search = new CriticalSearch
        {
            Schedules = options.Schedules,
            BoundNs = options.BoundNs ?? new CriticalSearch().BoundNs,
            Decisions = DecisionEvents.Mask,
            Tell = moments => progress.Tell($"{moments} moments tried"),
        };
        var result = CriticalEvent.Find(again, hang, search, stop);
        progress.End();
        Print(again, hang, result);
        json?.Commit(Document(again, hang, result));
        return ExitStatus.Success;
    }

    private long LastCheckpoint(Reexecution again)
    {
        var place = again.CheckpointBefore(run.LastNs);
        return place < 0 ? 0 : run.Reader.Checkpoints[place].BarrierNs;
    }

    private string Sentence(CriticalResult result)
    {
        var how = $"of {result.Schedules} other orders from each of {Count(result.Tried, "moment")} tried, each with "
            + $"{Moments.Seconds(result.BoundNs)} beyond the begin of the hang";
        if (result.LastRecoverableNs < 0)
        {
            return $"None gets on, not even from the beginning, {how}: "
                + "the hang lies in the rules and the load, not in an order of events.";
        }

        return $"The critical event is at {Moments.Seconds(result.CriticalNs)}, "
            + $"{Moments.Seconds(result.SinceNs - result.CriticalNs)} before the blade last got on: "
            + $"before it an order still gets on ({result.Order}), behind it none does, {how}.";
    }

    private static string Count(int count, string what) => count == 1 ? $"1 {what}" : $"{count} {what}s";

    private void Print(Reexecution again, HangReport hang, CriticalResult result)
    {
        console.Out.WriteLine(hang.Banner);
        console.Out.WriteLine($"{result.Blade} last got on at {Moments.Seconds(result.SinceNs)}.");
        console.Out.WriteLine(Sentence(result));
        if (result.LastRecoverableNs >= 0)
        {
            console.Out.WriteLine();
            foreach (var line in MomentView.EventTable(run, again.Cluster, result.Items).Lines())
            {
                console.Out.WriteLine("  " + line);
            }

            console.Out.WriteLine();
            console.Out.WriteLine("The state just before:");
            console.Out.WriteLine(
                $"  {Invocation.Program} replay {run.RunId} --at {RunOptions.Quote($"{result.CriticalNs} ns")} --blade {result.Blade}");
        }
    }

    private byte[] Document(Reexecution again, HangReport hang, CriticalResult result) => ReplayJson.Write(run, json =>
    {
        json.WriteString("hang", hang.Banner);
        json.WriteString("blade", result.Blade);
        json.WriteNumber("since_seconds", result.SinceNs / 1_000_000_000m);
        if (result.LastRecoverableNs < 0)
        {
            json.WriteNull("critical_seconds");
        }
        else
        {
            json.WriteNumber("critical_seconds", result.CriticalNs / 1_000_000_000m);
        }

        json.WriteString("order", result.Order);
        json.WriteNumber("schedules", result.Schedules);
        json.WriteNumber("bound_seconds", result.BoundNs / 1_000_000_000m);
        json.WriteNumber("moments_tried", result.Tried);
        json.WriteString("sentence", Sentence(result));
        ReplayJson.Table(json, MomentView.EventTable(run, again.Cluster, result.LastRecoverableNs < 0 ? [] : result.Items));
    });
}
