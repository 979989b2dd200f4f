// The options of `explore`, read and checked.
using System.CommandLine;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Cli.Exploring;

/// <summary>What the user asked `explore` to do.</summary>
internal sealed record ExploreOptions
{
    private const long DefaultSchedules = 1_000;
    private const long DefaultStates = 200_000;
    private const string All = "all";

    private static readonly Argument<string?> ScenarioArgument = new("SCENARIO")
    {
        Description = "A scenario file, such as config/tiny.toml",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> VariantOption =
        RunOptions.Text("--variant", "V", "A variant of the scenario; without it, the file's own values (\"base\")");

    private static readonly Option<string[]> SetOption = new("--set")
    {
        Description = "Another value for a key of the scenario, such as blade.passes=1; may be repeated",
        HelpName = "path=value",
    };

    private static readonly Option<string?> SeedOption =
        RunOptions.Text("--seed", "N", "Seed of the scenario; without it, the scenario's");

    private static readonly Option<string?> SchedulesOption =
        RunOptions.Text("--schedules", "N", $"How many schedules (default {DefaultSchedules})");

    private static readonly Option<string?> TimeOption =
        RunOptions.Text("--time", "DURATION", "As many schedules as this wall-clock time allows");

    private static readonly Option<bool> ExhaustiveOption = new("--exhaustive")
    {
        Description = "All schedules within --switches and --until instead, each state once",
    };

    private static readonly Option<string?> SwitchesOption = RunOptions.Text(
        "--switches", "N", "With --exhaustive: decisions away from the default order (default 1), or all");

    private static readonly Option<bool> OnTimeOption = new("--on-time")
    {
        Description = "With --exhaustive: every section takes as long as its costs say, not longer",
    };

    private static readonly Option<string?> StatesOption =
        RunOptions.Text("--states", "N", $"With --exhaustive: give up after so many states (default {DefaultStates})");

    private static readonly Option<bool> NoShrinkOption = new("--no-shrink")
    {
        Description = "Leave the failure as it was found",
    };

    private static readonly Option<string?> StrategyOption =
        RunOptions.Text("--strategy", "S", "random (default), pct:DEPTH or delay:DELAYS");

    private static readonly Option<string?> ThreadsOption =
        RunOptions.Text("--threads", "N", "Threads, each with a cluster of its own (default: one for each processor)");

    private static readonly Option<string?> UntilOption =
        RunOptions.Text("--until", "DURATION", "Virtual time at which a schedule ends as unknown");

    private static readonly Option<bool> FirstOption = new("--first")
    {
        Description = "Stop at the first schedule that fails",
    };

    private static readonly Option<string?> SaveOption =
        RunOptions.Text("--save", "FILE", "Where the counterexample goes (default counterexamples/ in the runs folder)");

    private static readonly Option<string?> JsonOption = RunOptions.Text("--json", "FILE", "Write the report as JSON, schema 1");

    private static readonly Option<string?> RunsDirOption =
        RunOptions.Text("--runs-dir", "DIR", "Where run folders go (default runs)");

    private static readonly Option<bool> QuietOption = new("--quiet")
    {
        Description = "No progress and no story: one line",
    };

    /// <summary>File of the scenario.</summary>
    public required string ScenarioPath { get; init; }

    /// <summary>Variant, or null for the file's own values.</summary>
    public string? Variant { get; init; }

    /// <summary>Overrides in order.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Seed, or null for the scenario's.</summary>
    public ulong? Seed { get; init; }

    /// <summary>How many schedules; null when time decides.</summary>
    public long? Schedules { get; init; }

    /// <summary>Wall-clock time, ns.</summary>
    public long? TimeNs { get; init; }

    /// <summary>Which strategies.</summary>
    public StrategyKind Strategy { get; init; } = StrategyKind.Random;

    /// <summary>All schedules within bounds.</summary>
    public bool Exhaustive { get; init; }

    /// <summary>Decisions away from the default order; null for any number.</summary>
    public int? Switches { get; init; }

    /// <summary>No section takes longer than its costs say.</summary>
    public bool OnTime { get; init; }

    /// <summary>States after which an exhaustive search gives up.</summary>
    public long States { get; init; }

    /// <summary>Make the first failure smaller.</summary>
    public bool Shrink { get; init; }

    /// <summary>Threads, 1 or more.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Virtual time at which a schedule ends, ns.</summary>
    public long? UntilNs { get; init; }

    /// <summary>Stop at the first failure.</summary>
    public bool First { get; init; }

    /// <summary>File for the counterexample.</summary>
    public string? SaveFile { get; init; }

    /// <summary>File for the report as JSON.</summary>
    public string? JsonFile { get; init; }

    /// <summary>Folder of run folders.</summary>
    public string RunsDir { get; init; } = "runs";

    /// <summary>One line of output only.</summary>
    public bool Quiet { get; init; }

    /// <summary>Adds argument and options to a command.</summary>
    public static void AddTo(Command command)
    {
        command.Arguments.Add(ScenarioArgument);
        foreach (var option in new Option[]
                 {
                     VariantOption, SetOption, SeedOption, SchedulesOption, TimeOption, StrategyOption, ExhaustiveOption,
                     SwitchesOption, OnTimeOption, StatesOption, ThreadsOption, UntilOption, FirstOption, NoShrinkOption, SaveOption,
                     JsonOption, RunsDirOption, QuietOption,
                 })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads a parsed command line.</summary>
    /// <exception cref="UsageException">A value is missing or not allowed.</exception>
    public static ExploreOptions From(ParseResult parsed)
    {
        var schedules = RunOptions.Integer(parsed, SchedulesOption, 1, 1_000_000_000);
        var time = RunOptions.Duration(parsed, TimeOption);
        if (schedules is not null && time is not null)
        {
            throw new UsageException("--schedules and --time both say when to stop: leave one out");
        }

        var exhaustive = parsed.GetValue(ExhaustiveOption);
        if (exhaustive && (schedules ?? time) is not null)
        {
            throw new UsageException("--exhaustive tries all schedules: leave out --schedules and --time");
        }

        if (!exhaustive
            && ((parsed.GetValue(SwitchesOption) ?? parsed.GetValue(StatesOption)) is not null || parsed.GetValue(OnTimeOption)))
        {
            throw new UsageException(
                "--switches, --on-time and --states bound an exhaustive search: --exhaustive is missing");
        }

        var word = parsed.GetValue(StrategyOption) ?? StrategyKind.Random.Word;
        return new ExploreOptions
        {
            ScenarioPath = parsed.GetValue(ScenarioArgument)
                ?? throw new UsageException("explore needs a scenario file, such as config/tiny.toml"),
            Variant = parsed.GetValue(VariantOption),
            Overrides = parsed.GetValue(SetOption) ?? [],
            Seed = (ulong?)RunOptions.Integer(parsed, SeedOption, 0, long.MaxValue),
            Schedules = time is null ? schedules ?? DefaultSchedules : null,
            TimeNs = time,
            Strategy = StrategyKind.Parse(word)
                ?? throw new UsageException($"--strategy: no such strategy. Found: \"{word}\". Allowed: {StrategyKind.Allowed}."),
            Exhaustive = exhaustive,
            Switches = parsed.GetValue(SwitchesOption) == All
                ? null
                : (int)(RunOptions.Integer(parsed, SwitchesOption, 0, 1_000_000, $", {All}") ?? 1),
            OnTime = parsed.GetValue(OnTimeOption),
            States = RunOptions.Integer(parsed, StatesOption, 1, 100_000_000) ?? DefaultStates,
            Shrink = !parsed.GetValue(NoShrinkOption),
            Threads = (int)(RunOptions.Integer(parsed, ThreadsOption, 1, 256) ?? Environment.ProcessorCount),
            UntilNs = RunOptions.Duration(parsed, UntilOption),
            First = parsed.GetValue(FirstOption),
            SaveFile = parsed.GetValue(SaveOption),
            JsonFile = parsed.GetValue(JsonOption),
            RunsDir = parsed.GetValue(RunsDirOption) ?? "runs",
            Quiet = parsed.GetValue(QuietOption),
        };
    }
}
