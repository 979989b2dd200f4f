// `replay RUN --verify`: run again and compare with the journal.
using System.Text.Json;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Cli.Runs;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Replaying;

/// <summary>Tells whether a build still does what was recorded, and if not, what differs first.</summary>
internal sealed class VerifyReplay(CliConsole console, JournalledRun run, ReplayOptions options, ReplayProgress progress)
{
    private const int Before = 8;

    /// <summary>Compares.</summary>
    public int Run(AtomicFile? json, CancellationToken stop)
    {
        var scenario = options.Overrides.Count == 0
            ? run.Scenario
            : run.File.Resolve(null, options.Overrides.SelectMany(text => Forks.Expand(run.Scenario, text)));
        var verification = new Verification(run.Reader, scenario, run.Reader.Header.Seed, options.Threads)
        {
            CpuNs = CpuTime.UsedNs,
            Tell = ns => progress.At(ns, run.LastNs),
        };
        var result = verification.Run(stop);
        progress.End();
        var build = Verification.Build;
        var header = run.Reader.Header;
        if (header.Build != build)
        {
            console.Out.WriteLine($"recorded by another build: {header.Program} ({header.Build}), this is {Invocation.Version} ({build})");
        }

        if (result.Damage is not null)
        {
            console.Out.WriteLine(
                $"the same up to the damage: {result.Barriers:N0} barriers up to {Moments.Seconds(result.ComparedNs)}");
            json?.Commit(Document(result, null, []));
            return ExitStatus.Damaged;
        }

        if (result.Difference is null)
        {
            console.Out.WriteLine(
                $"the same: {result.Barriers:N0} barriers up to {Moments.Seconds(result.ComparedNs)}, "
                + $"{header.Hosts.Length:N0} hosts each"
                + (run.Reader.End is { } end ? $"; verdict {end.Verdict}, fingerprint {end.Fingerprint}" : "; the run was not finished"));
            json?.Commit(Document(result, null, []));
            return ExitStatus.Success;
        }

        using var again = verification.Again();
        var around = Around(again, result.Difference);
        Print(again, result.Difference, around);
        json?.Commit(Document(result, result.Difference, around));
        return ExitStatus.Diverged;
    }

    // What the host did just before: the same in both.
    private IReadOnlyList<TrailItem> Around(Reexecution again, Difference difference)
    {
        var fromNs = Steps.Back(again, difference.Host, difference.TimeNs, Before) ?? 0;
        var cluster = again.GoTo(Math.Max(fromNs, difference.SameNs));
        using var trail = new Trail(cluster, new TrailFilter
        {
            Hosts = [difference.Host],
            Decisions = DecisionEvents.Mask,
            Most = 10_000,
        });
        again.RunTo(difference.TimeNs);
        return [.. trail.Items.TakeLast(Before)];
    }

    private void Print(Reexecution again, Difference difference, IReadOnlyList<TrailItem> around)
    {
        var hosts = run.Reader.Header.Hosts;
        console.Out.WriteLine(difference.DiffersNs == difference.SameNs
            ? $"everything is the same up to {Moments.Seconds(difference.SameNs)}"
            : $"the same up to the barrier at {Moments.Seconds(difference.SameNs)}, not the same at {Moments.Seconds(difference.DiffersNs)}"
                + (difference.Hosts.Count == 0 ? "" : $": {string.Join(", ", difference.Hosts.Take(8).Select(host => hosts[host].Name))}"));
        if (difference.End is { } end)
        {
            console.Out.WriteLine(end);
        }

        Print("first event that differs", difference.Event);
        Print("first decision that differs", difference.Decision);
        if (difference.Event is null && difference.Decision is null)
        {
            console.Out.WriteLine("all recorded decisions are the same; to see the event, record with --journal all");
        }

        if (around.Count > 0)
        {
            console.Out.WriteLine();
            console.Out.WriteLine($"just before, the same in both, on {hosts[difference.Host].Name}");
            foreach (var line in MomentView.EventTable(run, again.Cluster, around).Lines())
            {
                console.Out.WriteLine("  " + line);
            }
        }

        if (again.GoTo(difference.TimeNs).Blades.FirstOrDefault(place => place.Host == difference.Host) is { } blade)
        {
            console.Out.WriteLine();
            console.Out.WriteLine($"the state around it, now, at {Moments.Seconds(difference.TimeNs)}");
            foreach (var table in BladeMoment.Of(again.Cluster, blade).Where(table => table.Name is "zones" or "locks" or "sockets" or "queues"))
            {
                console.Out.WriteLine("  " + table.Name);
                foreach (var line in table.Lines())
                {
                    console.Out.WriteLine("    " + line);
                }
            }
        }
    }

    private void Print(string title, EventDifference? difference)
    {
        if (difference is null)
        {
            return;
        }

        var host = run.Reader.Header.Hosts[difference.Host].Name;
        console.Out.WriteLine();
        console.Out.WriteLine($"{title}: {host}, {Moments.Seconds(difference.TimeNs)}");
        console.Out.WriteLine("  recorded  " + (difference.Recorded is { } recorded ? Describe(recorded, "") : "nothing more"));
        console.Out.WriteLine("  now       " + (difference.Now is { } now ? Describe(now, difference.NowText) : "nothing more"));
    }

    private string Describe(RecordedEvent one, string text)
    {
        var header = run.Reader.Header;
        var place = $"{Moments.Digits(one.TimeNs)}  {header.Hosts[one.Host].Name}:{one.Number}  ";
        if (one.IsDecision)
        {
            var record = one.Decision.Record;
            var group = run.Scenario.Blades.First(g => Enumerable.Range(0, g.Count).Any(i => g.BladeName(i) == header.Hosts[one.Host].Name));
            var words = TraceText.For(group, run.Scenario.Faults);
            return place + $"{record.Event}: {words.CommOf(record.Task)} on CPU {record.Cpu} {words.Fields(in record)}";
        }

        var message = one.Message;
        var cause = message.Cause == 0 ? "outside" : $"{header.Hosts[message.CauseHost].Name}:{message.Cause}";
        return place + $"{header.ActorName(message.Host, message.Actor)}  "
            + $"{(text.Length > 0 ? text : header.KindName(message.Kind))}  <- {cause}";
    }

    private byte[] Document(VerifyResult result, Difference? difference, IReadOnlyList<TrailItem> around) => ReplayJson.Write(run, json =>
    {
        json.WriteBoolean("same", difference is null);
        json.WriteNumber("barriers", result.Barriers);
        json.WriteNumber("compared_seconds", result.ComparedNs / 1_000_000_000m);
        json.WriteString("recorded_build", run.Reader.Header.Build);
        json.WriteString("this_build", Verification.Build);
        if (difference is null)
        {
            json.WriteNull("difference");
            return;
        }

        json.WriteStartObject("difference");
        json.WriteNumber("same_seconds", difference.SameNs / 1_000_000_000m);
        json.WriteNumber("differs_seconds", difference.DiffersNs / 1_000_000_000m);
        json.WriteNumber("at_seconds", difference.TimeNs / 1_000_000_000m);
        ReplayJson.Texts(json, "hosts", difference.Hosts.Select(host => run.Reader.Header.Hosts[host].Name));
        Document(json, "event", difference.Event);
        Document(json, "decision", difference.Decision);
        json.WriteString("end", difference.End);
        ReplayJson.Texts(json, "before", around.Select(item =>
            $"{Moments.Digits(item.TimeNs)} {run.Reader.Header.Hosts[item.Host].Name}:{item.Number} {item.Kind} {item.Text}"));
        json.WriteEndObject();
    });

    private void Document(Utf8JsonWriter json, string name, EventDifference? difference)
    {
        if (difference is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteString("host", run.Reader.Header.Hosts[difference.Host].Name);
        json.WriteNumber("at_seconds", difference.TimeNs / 1_000_000_000m);
        json.WriteString("recorded", difference.Recorded is { } recorded ? Describe(recorded, "") : null);
        json.WriteString("now", difference.Now is { } now ? Describe(now, difference.NowText) : null);
        json.WriteEndObject();
    }
}
