// `replay RUN --at TIME`: state and events at a moment.
using ClusterSwap.Blades;
using ClusterSwap.Blades.ProcFiles;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Cli.Runs;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Replaying;

/// <summary>Shows a moment of a recorded run, and what happened around it.</summary>
internal sealed class LookReplay(CliConsole console, JournalledRun run, ReplayOptions options)
{
    private const int MostBlades = 4;

    // Without --to, a look at what an event led to ends here.
    private const long FollowNs = 100_000_000;

    /// <summary>Looks.</summary>
    public int Run(AtomicFile? json)
    {
        var checkpoints = JournalCheckpoints.OfThisBuild(run.Reader);
        using var again = new Reexecution(run.Scenario, run.Reader.Header.Seed, checkpoints);
        var hosts = HostsOf(again.Cluster);
        var events = new List<TrailItem>();
        long dropped = 0;
        var momentNs = MomentOf(again, hosts);
        if (options.Follow is { } follow)
        {
            events.AddRange(Followed(again, checkpoints, follow));
        }
        else if (options.WantsEvents)
        {
            (events, dropped) = Events(again, hosts, momentNs);
        }

        var blades = WantsState ? again.GoTo(momentNs).Blades.Where(place => hosts.Contains(place.Host)).ToArray() : [];
        var view = new MomentView(run, again.Cluster, momentNs, WantsState, blades, events, dropped);
        WriteProc(again.Cluster, momentNs);
        view.Print(console, MostBlades);
        json?.Commit(view.ToJson());
        return ExitStatus.Success;
    }

    private bool WantsState => options.AtNs is not null || options.Back is not null || options.ProcDir is not null || !options.WantsEvents;

    private int[] HostsOf(Cluster cluster)
    {
        var names = run.Reader.Header.Hosts.Select(host => host.Name).ToArray();
        if (options.Blade is not { } name)
        {
            return [.. Enumerable.Range(0, names.Length)];
        }

        var at = Array.IndexOf(names, name);
        return at >= 0 ? [at] : throw Unknown("--blade", "blade or server", name, names);
    }

    private static UsageException Unknown(string option, string what, string name, IEnumerable<string> known)
    {
        var meant = Nearest.Name(name, known);
        return new UsageException(
            $"{option}: there is no {what} of this name in the run. Found: \"{name}\"."
            + (meant is null ? $" Allowed: {string.Join(", ", known.Take(20))}." : $" Did you mean {meant}?"));
    }

    private long MomentOf(Reexecution again, int[] hosts)
    {
        var atNs = options.AtNs is { } at && at != long.MaxValue ? at : options.AtNs ?? options.FromNs ?? long.MaxValue;
        atNs = atNs == long.MaxValue ? run.LastNs : InRun(options.AtNs is null ? "--from" : "--at", atNs);
        if (options.Back is not { } back)
        {
            return atNs;
        }

        var blades = again.Cluster.Blades.Where(place => hosts.Contains(place.Host)).ToArray();
        if (blades.Length != 1)
        {
            throw new UsageException($"--back counts the events of one blade: --blade NAME is missing. The run has {blades.Length} blades.");
        }

        return Steps.Back(again, blades[0].Host, atNs, back)
            ?? throw new UsageException($"--back: {blades[0].Name} has fewer than {back:N0} events before {Moments.Seconds(atNs)}");
    }

    private long InRun(string option, long ns) => ns <= run.LastNs
        ? ns
        : throw new UsageException(
            $"{option}: the run ends before that. Found: \"{Units.Duration(ns)}\". Allowed: up to \"{Units.Duration(run.LastNs)}\"."
            + (run.Reader.End is null ? " It was not finished; --resume goes on with it." : ""));

    private (List<TrailItem> Items, long Dropped) Events(Reexecution again, int[] hosts, long momentNs)
    {
        var fromNs = options.FromNs is { } from ? InRun("--from", from) : options.Back is null && options.AtNs is null ? 0 : momentNs;
        var toNs = options.ToNs is { } to ? InRun("--to", to)
            : options.Back is not null && options.AtNs is { } at && at != long.MaxValue ? at
            : run.LastNs;
        CheckKinds();
        using var again2 = new Reexecution(run.Scenario, run.Reader.Header.Seed, JournalCheckpoints.OfThisBuild(run.Reader));
        var cluster = again2.GoTo(fromNs);
        using var trail = new Trail(cluster, new TrailFilter
        {
            Hosts = hosts,
            Kinds = [.. options.Kinds],
            Decisions = DecisionEvents.Mask,
            Most = options.Most,
        });
        using var trace = options.FtraceFile is { } file ? new FtraceFiles(cluster, file, options.FtraceEvents) : null;
        again2.RunTo(toNs, _ =>
        {
            trace?.Drain();
            return trace is not null || trail.Dropped == 0;
        });
        trace?.Drain();
        return ([.. trail.Items], trail.Dropped);
    }

    private void CheckKinds()
    {
        var header = run.Reader.Header;
        string[] known = [.. header.Kinds.Select(kind => kind.Name), .. header.Decisions];
        foreach (var kind in options.Kinds)
        {
            if (!known.Contains(kind, StringComparer.OrdinalIgnoreCase))
            {
                throw Unknown("--kind", "message or decision", kind, known);
            }
        }
    }

    private IReadOnlyList<TrailItem> Followed(Reexecution again, ICheckpointSource checkpoints, (string Host, long Number) follow)
    {
        var names = run.Reader.Header.Hosts.Select(host => host.Name).ToArray();
        var host = Array.IndexOf(names, follow.Host);
        if (host < 0)
        {
            throw Unknown("--follow", "host", follow.Host, names);
        }

        var timeNs = CauseChain.Find(again, host, follow.Number, checkpoints.TimesNs.Count, run.LastNs)
            ?? throw new UsageException($"--follow: {follow.Host} has no event {follow.Number:N0} up to the end of the run");
        var toNs = options.ToNs is { } to ? InRun("--to", to) : Math.Min(run.LastNs, timeNs + FollowNs);
        return CauseChain.Of(again, host, follow.Number, timeNs, toNs, options.Most);
    }

    private void WriteProc(Cluster cluster, long momentNs)
    {
        if (options.ProcDir is not { } folder)
        {
            return;
        }

        try
        {
            var checkedFolder = ProcFolder.Open(folder, null, run.Scenario);
            new ProcTree(checkedFolder.FolderPath, cluster).Write(momentNs);
        }
        catch (RunOutputException e)
        {
            throw new UsageException(e.Message);
        }
    }
}
