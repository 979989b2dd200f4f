// `clusterswap compare`: variants of a scenario, or runs, side by side.
using System.CommandLine;
using System.Globalization;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Plots;

namespace ClusterSwap.Cli.Comparing;

/// <summary>Runs variants over seeds, or reads runs, and puts them side by side.</summary>
internal sealed class CompareCommand
{
    private readonly IRunner _runner;
    private readonly CliConsole _console;
    private readonly TimeProvider _clock;
    private readonly CancellationToken _stop;

    /// <summary>The command with what it runs on.</summary>
    public CompareCommand(IRunner runner, CliConsole console, TimeProvider clock, CancellationToken stop)
    {
        _runner = runner;
        _console = console;
        _clock = clock;
        _stop = stop;
        Command = new Command("compare", "Put the variants of a scenario, or runs that have ended, side by side");
        CompareOptions.AddTo(Command);
        Command.SetAction(parsed => Compare(CompareOptions.From(parsed)));
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    private int Compare(CompareOptions options) => options.ScenarioPath is { } path
        ? CompareVariants(options, ScenarioFile.Load(path))
        : CompareRuns(options);

    private int CompareRuns(CompareOptions options)
    {
        var runs = options.Runs.Select(run => RecordedRun.Read(run, options.RunsDir)).ToArray();
        using var files = new Files(options);
        Tell(options, ComparisonOf.Runs(runs), files);
        return ExitStatus.Success;
    }

    private int CompareVariants(CompareOptions options, ScenarioFile file)
    {
        var named = file.Variants.Where(name => name != Scenario.BaseVariant).ToArray();
        var names = options.Variants ?? (named.Length > 0 ? named : [Scenario.BaseVariant]);
        var variants = names.Select(name => file.Resolve(name, options.Overrides)).ToArray();
        var seeds = options.Seeds ?? [variants[0].Seed];

        // Seed by seed: what is done when somebody stops it can be compared.
        var scenarios = seeds.SelectMany(seed => variants.Select(variant => variant with { Seed = seed })).ToArray();
        using var files = new Files(options);
        var runs = new VariantRuns(_runner, _clock, options, _stop)
        {
            Ended = options.Quiet ? null : ShowEnded,
        }.RunAll(scenarios);
        var comparison = ComparisonOf.Variants(variants, seeds, runs);
        Tell(options, comparison, files);
        var broken = runs.Where(run => run.Broken is not null).ToArray();
        foreach (var run in broken)
        {
            TellBroken(options, run);
        }

        return broken.Length > 0 ? ExitStatus.Internal
            : runs.Any(run => run.Figures is null or { Interrupted: true })
                ? VerdictWords.ExitStatus(Verdict.Interrupted)
                : ExitStatus.Success;
    }

    private void ShowEnded(VariantRun run, int ended, int all) =>
        _console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{ended} of {all}: {run.Scenario.Variant}, seed {run.Scenario.Seed}: ")
            + (run.Figures?.Verdict ?? "internal error"));

    private void TellBroken(CompareOptions options, VariantRun run)
    {
        _console.Error.WriteLine($"clusterswap: internal error: {run.Broken!.Message}");
        _console.Error.WriteLine("The same happens again with:");
        _console.Error.WriteLine(
            $"  {Invocation.Program} {options.RepeatOne(run.Scenario.Variant, run.Scenario.Seed)}");
    }

    private void Tell(CompareOptions options, Comparison comparison, Files files)
    {
        var command = $"{Invocation.Program} {options.Repeat()}";
        files.Json?.Commit(ComparisonJson.Write(comparison, command));
        files.Plot?.Commit(FreePagesPlot.Write(comparison.Columns
            .Where(column => column.Runs.Count > 0)
            .Select(column => PlotPanel.Of(column.Runs[0], column.Title)).ToArray()));
        if (!options.Quiet)
        {
            _console.Out.Write(ComparisonTable.Write(comparison));
            _console.Out.WriteLine("again  " + command);
            return;
        }

        foreach (var column in comparison.Columns)
        {
            _console.Out.WriteLine($"{column.Title}: {ComparisonTable.VerdictsOf(column)}");
        }
    }

    // What the user asked to be written; opened first, so that hours of runs are not lost to a typing error.
    private sealed class Files : IDisposable
    {
        public Files(CompareOptions options)
        {
            Json = options.JsonFile is null ? null : new AtomicFile(options.JsonFile, "--json");
            try
            {
                Plot = options.PlotFile is null ? null : new AtomicFile(options.PlotFile, "--plot");
            }
            catch (UsageException)
            {
                Json?.Dispose();
                throw;
            }
        }

        public AtomicFile? Json { get; }

        public AtomicFile? Plot { get; }

        public void Dispose()
        {
            Json?.Dispose();
            Plot?.Dispose();
        }
    }
}
