// `replay RUN --fork-at TIME --set ...`: the same inputs, one value changed from a moment on.
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Runs;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Replaying;

/// <summary>Tells what would have been.</summary>
internal sealed class ForkReplay(CliConsole console, JournalledRun run, ReplayOptions options, ReplayProgress progress)
{
    /// <summary>Forks. The exit status is that of the changed run's verdict.</summary>
    public int Run(AtomicFile? json, CancellationToken stop)
    {
        if (options.ForkNs > run.LastNs)
        {
            throw new UsageException(
                $"--fork-at: the run ends before that. Found: \"{Units.Duration(options.ForkNs)}\". "
                + $"Allowed: up to \"{Units.Duration(run.LastNs)}\".");
        }

        var changed = run.File.Resolve(null, options.Overrides.SelectMany(text => Forks.Expand(run.Scenario, text)));
        var keys = Forks.Differences(run.Scenario, changed);
        if (keys.Count == 0)
        {
            throw new UsageException($"--set: these are the values that the run had: {string.Join(", ", options.Overrides)}");
        }

        progress.Tell("running both branches");
        using var again = new Reexecution(run.Scenario, run.Reader.Header.Seed, JournalCheckpoints.OfThisBuild(run.Reader));
        var result = WhatIf.Fork(again, changed, options.ForkNs, DecisionEvents.Mask, stop);
        progress.End();
        Print(again, result);
        json?.Commit(Document(again, result, keys));
        return VerdictWords.ExitStatus(result.Changed.Verdict);
    }

    private void Print(Reexecution again, ForkResult result)
    {
        var header = run.Reader.Header;
        console.Out.WriteLine(
            $"{header.Scenario}, variant {header.Variant}, seed {header.Seed}: run {run.RunId}, "
            + $"from {Moments.Seconds(result.AtNs)} on with {string.Join(", ", options.Overrides)}");
        console.Out.WriteLine();
        if (result.First is { } first)
        {
            console.Out.WriteLine($"first decision that differs: {header.Hosts[first.Host].Name}, {Moments.Seconds(first.TimeNs)}");
            console.Out.WriteLine("  recorded  " + Describe(again, first.Original));
            console.Out.WriteLine("  changed   " + Describe(again, first.Changed));
        }
        else
        {
            console.Out.WriteLine("no decision differs");
        }

        console.Out.WriteLine();
        var table = new MomentTable("verdicts", "", "recorded", "changed");
        Row("verdict", report => VerdictWords.Word(report.Verdict));
        Row("virtual time", report => Moments.Seconds(report.VirtualNs));
        Row("fingerprint", report => report.Fingerprint);
        Row("blades", report => $"{report.Blades.Count}");
        Row("fewest free pages", report => report.Blades.Count == 0 ? "-" : $"{report.Blades.Min(blade => blade.MinFreePages)}");
        foreach (var counter in new[] { "pswpin", "pswpout", "allocstall", "pgscan_direct_throttle" })
        {
            Row(counter, report => $"{report.Blades.Sum(blade => blade.VmStat.FirstOrDefault(pair => pair.Key == counter).Value)}");
        }

        foreach (var line in table.Lines())
        {
            console.Out.WriteLine(line);
        }

        Hang("recorded", result.Original);
        Hang("changed", result.Changed);
        void Row(string name, Func<RunReport, string> cell) => table.Add(name, cell(result.Original), cell(result.Changed));
    }

    private void Hang(string which, RunReport report)
    {
        if (report.Hang is { } hang)
        {
            console.Out.WriteLine();
            console.Out.WriteLine($"{which}: {hang.Banner}");
        }
    }

    private string Describe(Reexecution again, TrailItem? item)
    {
        if (item is null)
        {
            return "nothing more";
        }

        var name = run.Reader.Header.Hosts[item.Host].Name;
        return $"{Moments.Digits(item.TimeNs)}  {name}:{item.Number}  "
            + $"{again.Cluster.Simulation.ActorName(item.Host, item.Actor)}  {item.Kind}: {item.Text}";
    }

    private byte[] Document(Reexecution again, ForkResult result, IReadOnlyList<string> keys) => ReplayJson.Write(run, json =>
    {
        json.WriteNumber("fork_seconds", result.AtNs / 1_000_000_000m);
        ReplayJson.Texts(json, "changed_keys", keys);
        ReplayJson.Texts(json, "set", options.Overrides);
        if (result.First is { } first)
        {
            json.WriteStartObject("first_difference");
            json.WriteString("host", run.Reader.Header.Hosts[first.Host].Name);
            json.WriteNumber("at_seconds", first.TimeNs / 1_000_000_000m);
            json.WriteString("recorded", Describe(again, first.Original));
            json.WriteString("changed", Describe(again, first.Changed));
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("first_difference");
        }

        foreach (var (name, report) in new[] { ("recorded", result.Original), ("changed", result.Changed) })
        {
            json.WriteStartObject(name);
            json.WriteString("verdict", VerdictWords.Word(report.Verdict));
            json.WriteString("fingerprint", report.Fingerprint);
            json.WriteNumber("virtual_seconds", report.VirtualNs / 1_000_000_000m);
            json.WriteString("hang", report.Hang?.Banner);
            json.WriteEndObject();
        }
    });
}
