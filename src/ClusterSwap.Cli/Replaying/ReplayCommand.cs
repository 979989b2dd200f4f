// `clusterswap replay`: a recorded run, looked at, compared, forked, resumed, explained.
using System.CommandLine;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Cli.Exploring;
using ClusterSwap.Cli.Runs;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Replaying;

/// <summary>Goes back to recorded runs.</summary>
internal sealed class ReplayCommand
{
    private readonly CliConsole _console;
    private readonly TimeProvider _clock;
    private readonly CancellationToken _stop;
    private readonly Func<JournalStore?> _database;
    private readonly Func<RunCatalogue, string, RunOptions, AtomicFile?, int> _resume;

    /// <summary>The command with what it runs on.</summary>
    /// <param name="console">Where it writes.</param>
    /// <param name="clock">Wall clock, for progress.</param>
    /// <param name="stop">Cancelled when the user wants to stop.</param>
    /// <param name="database">The database of journals, if the user has one.</param>
    /// <param name="resume">Goes on with a run that was killed.</param>
    public ReplayCommand(
        CliConsole console, TimeProvider clock, CancellationToken stop, Func<JournalStore?> database,
        Func<RunCatalogue, string, RunOptions, AtomicFile?, int> resume)
    {
        _console = console;
        _clock = clock;
        _stop = stop;
        _database = database;
        _resume = resume;
        Command = new Command("replay", "Go back to a recorded run: look, verify, ask what if, resume, ask why");
        ReplayOptions.AddTo(Command);
        Command.SetAction(parsed => Run(ReplayOptions.From(parsed)));
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    private int Run(ReplayOptions options)
    {
        if (CounterexampleReplay.Is(options.Run))
        {
            return new CounterexampleReplay(_console, options).Run(_stop);
        }

        using var json = options.JsonFile is null ? null : new AtomicFile(options.JsonFile, "--json");
        try
        {
            var catalogue = new RunCatalogue(options.RunsDir, _database());
            if (options.Mode == ReplayMode.Resume)
            {
                return _resume(catalogue, options.Run, options.ToResume(), json);
            }

            using var run = JournalledRun.Open(catalogue, options.Run);
            var damage = options.Mode == ReplayMode.Verify ? run.Reader.Check() : run.Reader.Damage;
            if (damage is not null)
            {
                WarnOf(damage, run);
            }

            var progress = new ReplayProgress(_console, _clock, !options.Quiet);
            var status = options.Mode switch
            {
                ReplayMode.Verify => new VerifyReplay(_console, run, options, progress).Run(json, _stop),
                ReplayMode.Fork => new ForkReplay(_console, run, options, progress).Run(json, _stop),
                ReplayMode.Why => new WhyReplay(_console, run, options, progress).Run(json, _stop),
                _ => new LookReplay(_console, run, options).Run(json),
            };
            if (damage is null && run.Reader.Damage is { } found)
            {
                // A checkpoint, which another one stood in for.
                _console.Error.WriteLine("clusterswap: " + found.Message);
            }

            return status == ExitStatus.Success && run.Reader.Damage is not null ? ExitStatus.Damaged : status;
        }
        catch (ForkException e)
        {
            throw new UsageException("--set: " + e.Message);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            _console.Error.WriteLine("clusterswap: stopped");
            return ExitStatus.Interrupted;
        }
    }

    private void WarnOf(JournalDamageException damage, JournalledRun run)
    {
        _console.Error.WriteLine("clusterswap: " + damage.Message);
        _console.Error.WriteLine(
            $"Readable are {run.Reader.Checkpoints.Count} checkpoints and everything up to {Moments.Seconds(run.LastNs)}.");
    }
}
