// `clusterswap run`: one scenario, one variant, one seed.
using System.CommandLine;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Cli.Advising;
using ClusterSwap.Cli.Comparing;
using ClusterSwap.Cli.Nodes;
using ClusterSwap.Cli.Plots;
using ClusterSwap.Cli.Replaying;
using ClusterSwap.Cli.Runs;
using ClusterSwap.Clustering;
using ClusterSwap.Journal;
using Serilog;
using Serilog.Core;

namespace ClusterSwap.Cli;

/// <summary>Runs a scenario and leaves its folder.</summary>
internal sealed class RunCommand
{
    private readonly IRunner _runner;
    private readonly CliConsole _console;
    private readonly TimeProvider _clock;
    private readonly CancellationToken _stop;
    private readonly Func<JournalStore?> _database;

    /// <summary>The command with what it runs on.</summary>
    public RunCommand(
        IRunner runner, CliConsole console, TimeProvider clock, CancellationToken stop, Func<JournalStore?> database)
    {
        _database = database;
        _runner = runner;
        _console = console;
        _clock = clock;
        _stop = stop;
        Command = new Command("run", "Run a scenario and tell how it ended");
        RunOptions.AddTo(Command);
        Command.SetAction(parsed => Run(RunOptions.From(parsed)));
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    private int Run(RunOptions options)
    {
        if (options.Resume is { } resumed)
        {
            using var file = options.JsonFile is null ? null : new AtomicFile(options.JsonFile, "--json");
            return Resume(new RunCatalogue(options.RunsDir, _database()), resumed, options, file);
        }

        return Begin(options);
    }

    private int Begin(RunOptions options)
    {
        var file = ScenarioFile.Load(options.ScenarioPath);
        var scenario = file.Resolve(options.Variant, options.Overrides);
        if (options.Seed is { } seed)
        {
            scenario = scenario with { Seed = seed };
        }

        using var json = options.JsonFile is null ? null : new AtomicFile(options.JsonFile, "--json");
        using var plot = options.PlotFile is null ? null : new AtomicFile(options.PlotFile, "--plot");
        if (options.CheckpointFile is { } checkpoint)
        {
            // Only to see before the run, not hours later, that it can be written.
            new AtomicFile(checkpoint, "--checkpoint").Dispose();
        }

        if (options.FtraceFile is { } ftrace)
        {
            var blades = scenario.Blades.SelectMany(group => Enumerable.Range(0, group.Count).Select(group.BladeName));
            foreach (var blade in blades)
            {
                new AtomicFile(FtraceFiles.PathOf(ftrace, blade, scenario.BladeCount), "--ftrace").Dispose();
            }
        }

        var proc = options.ProcDir is null ? null : ProcFolder.Open(options.ProcDir, options.ProcEveryNs, scenario);
        var command = $"{Invocation.Program} {options.Repeat(scenario.Seed)}";
        var database = options.Journal == JournalLevel.Off ? null : _database();
        var folder = RunFolder.Create(
            options.RunsDir, $"{scenario.Name}-{scenario.Variant}-s{scenario.Seed}", _clock.GetUtcNow(), scenario.ToToml(),
            RunManifest.Of(options, command, database));
        using var log = new LoggerConfiguration().WriteTo.File(folder.LogPath).CreateLogger();
        var files = new RunFiles(json, plot, proc);
        var asked = new RunAsked(options, scenario, command, database);
        return Run(asked, more => file.Resolve(options.Variant, [.. options.Overrides, .. more]), folder, files, log);
    }

    /// <summary>
    /// Goes on with a run that did not end, into its own folder and journal, on whatever threads and nodes are wanted now.
    /// </summary>
    public int Resume(RunCatalogue catalogue, string run, RunOptions how, AtomicFile? json)
    {
        var point = ResumePoint.Of(catalogue, run);
        if (point.Damage is { } behind)
        {
            _console.Error.WriteLine("clusterswap: " + behind.Message);
            _console.Error.WriteLine("The run goes on from before that, and what is damaged counts no more.");
        }

        var folder = RunFolder.Open(how.RunsDir, point.Folder, point.RunId, point.Scenario.ToToml());
        var options = how with
        {
            ScenarioPath = Path.Combine(folder.FolderPath, "scenario.toml"),
            Seed = point.Scenario.Seed,
            UntilNs = point.UntilNs,
            Journal = point.Level,
            CheckpointEveryNs = how.CheckpointEveryNs ?? point.CheckpointEveryNs,
            Advise = false,
        };
        using var log = new LoggerConfiguration().WriteTo.File(folder.LogPath).CreateLogger();
        var command = point.Command.Length > 0
            ? point.Command
            : $"{Invocation.Program} {options.Repeat(point.Scenario.Seed)}";
        var asked = new RunAsked(options, point.Scenario, command, point.Database);
        return Run(asked, _ => point.Scenario, folder, new RunFiles(json, null, null), log, point);
    }

    private int Run(
        RunAsked asked, Func<IReadOnlyList<string>, Scenario> resolve, RunFolder folder, RunFiles files, Logger log,
        ResumePoint? resume = null)
    {
        var (options, scenario, command, database) = asked;
        var progress = new ProgressLine(_console, _clock, !options.Quiet);
        var request = new RunRequest
        {
            Scenario = scenario,
            Variant = scenario.Variant,
            Seed = scenario.Seed,
            Threads = options.Threads,
            UntilNs = options.UntilNs,
            CheckpointFile = options.CheckpointFile,
            CheckpointAtNs = options.CheckpointAtNs,
            RestoreFile = options.RestoreFile,
            Checkpoint = resume?.Checkpoint,
            FtraceFile = options.FtraceFile,
            FtraceEvents = options.FtraceEvents,
            ProcDir = files.Proc?.FolderPath,
            ProcEveryNs = files.Proc?.EveryNs ?? 0,
            OnProgress = at =>
            {
                progress.Update(at);
                return !_stop.IsCancellationRequested;
            },
        };
        log.Information("Version {Version}: {Command}", Invocation.Version, command);
        RunReport report;
        using var journal = RunJournal.Begin(options, folder, command, resume?.Epoch ?? 1, database, Say, _clock, _stop);
        void Say(string text)
        {
            log.Warning("{Text}", text);
            progress.End();
            _console.Error.WriteLine(text);
        }

        try
        {
            IRunner runner = options.Cluster is null
                ? _runner
                : new ClusterLaunch(
                    options, folder, journal is null ? null : journal.OpenEpoch, resume?.Epoch ?? 1, log, Say,
                    status => progress.Addition = StatusText.Progress(status));
            report = runner.Run(request with { Recorder = journal?.Recorder }, _stop);
            journal?.Finish();
            report = WithEvents(report, scenario, journal);
        }
        catch (Exception e) when (RunJournal.FailureIn(e) is { } failure)
        {
            progress.End();
            log.Fatal(e, "The journal failed");
            throw new UsageException($"{failure.Message} Then go on with the run: {ResumeCommand(options, folder)}");
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            report = Cut(progress.Newest);
        }
        catch (InvalidDataException e) when (options.RestoreFile is not null)
        {
            progress.End();
            throw new UsageException($"--restore: {e.Message.TrimEnd('.')}. Found: \"{options.RestoreFile}\"");
        }
        catch (RunOutputException e)
        {
            progress.End();
            throw new UsageException(e.Message);
        }
        catch (ClusterRunException e) when (!e.IsInternal)
        {
            progress.End();
            log.Fatal("{Reason}", e.Message);
            return e.IsLost ? Lost(e, options, folder) : throw new UsageException(e.Message);
        }
        catch (Exception e) when (e is not ScenarioException)
        {
            progress.End();
            return Broken(e, folder, command, log);
        }

        progress.End();
        report = report with { Notes = [.. scenario.Notices, .. report.Notes] };
        var summary = RunSummary.Of(folder, request, report, progress.Elapsed, command);
        log.Information("Verdict {Verdict}, fingerprint {Fingerprint}, {VirtualNs} ns virtual, {Messages} messages",
            VerdictWords.Word(summary.Verdict), report.Fingerprint, report.VirtualNs, report.Messages);
        return Tell(options, summary with
        {
            Advice = AdviceAfter(options, scenario, resolve, report),
            Journal = journal?.Name,
        }, folder, files);
    }

    private static string ResumeCommand(RunOptions options, RunFolder folder)
        => $"{Invocation.Program} run --resume {folder.RunId}"
            + (options.RunsDir == "runs" ? "" : $" --runs-dir {RunOptions.Quote(options.RunsDir)}");

    private int Lost(ClusterRunException error, RunOptions options, RunFolder folder)
    {
        _console.Error.WriteLine($"clusterswap: {error.Message}");
        if (options.Journal != JournalLevel.Off)
        {
            _console.Error.WriteLine($"Go on with the run, on nodes or in one process: {ResumeCommand(options, folder)}");
        }

        return ExitStatus.Lost;
    }

    private static RunReport WithEvents(RunReport report, Scenario scenario, RunJournal? journal)
    {
        if (report.Hang is not { } hang || journal is null)
        {
            return report;
        }

        using var reader = journal.Read();
        return report with { Hang = hang with { Events = HangEvents.Before(hang, scenario, reader) } };
    }

    private Advice[] AdviceAfter(
        RunOptions options, Scenario scenario, Func<IReadOnlyList<string>, Scenario> resolve, RunReport report)
    {
        var wanted = options.Advise ?? (!options.Quiet && AdviceRuns.IsSmall(scenario));
        if (!wanted || report.Hang is not { } hang || _stop.IsCancellationRequested)
        {
            return [];
        }

        if (!options.Quiet)
        {
            _console.Error.WriteLine("It hangs. Trying what would help (--no-advise leaves this out) ...");
        }

        return new AdviceRuns(_runner, _clock, _stop).Try(resolve, scenario, hang.Blade);
    }

    private int Tell(RunOptions options, RunSummary summary, RunFolder folder, RunFiles files)
    {
        var document = folder.Keep(summary);
        files.Json?.Commit(document);
        files.Plot?.Commit(FreePagesPlot.Write([PlotPanel.Of(RunFigures.Of(summary))]));
        if (options.Quiet)
        {
            SummaryTable.WriteQuiet(_console, summary);
        }
        else
        {
            SummaryTable.Write(_console, summary, folder);
        }

        return summary.ExitStatus;
    }

    // What is run, and which database has its journal; null for the file in its folder.
    private readonly record struct RunAsked(RunOptions Options, Scenario Scenario, string Command, JournalStore? Database);

    // Files that the user asked for; opened before the run.
    private readonly record struct RunFiles(AtomicFile? Json, AtomicFile? Plot, ProcFolder? Proc);

    // A runner that stops by throwing leaves only what it told before.
    private static RunReport Cut(RunProgress at) => new()
    {
        Verdict = Verdict.Interrupted,
        Fingerprint = "",
        VirtualNs = at.VirtualNs,
        Messages = at.Messages,
        Events = 0,
        Notes = ["stopped between barriers: the figures are those of the last barrier, and there is no fingerprint"],
    };

    private int Broken(Exception error, RunFolder folder, string command, Logger log)
    {
        log.Fatal(error, "The run broke");
        _console.Error.WriteLine($"clusterswap: internal error: {error.Message}");
        _console.Error.WriteLine($"The log {folder.LogPath} has the details. The same happens again with:");
        _console.Error.WriteLine("  " + command);
        return ExitStatus.Internal;
    }
}
