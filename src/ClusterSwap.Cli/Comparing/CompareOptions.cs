// The options of `compare`, read and checked.
using System.CommandLine;
using System.Globalization;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Cli.Comparing;

/// <summary>What the user asked `compare` to do.</summary>
public sealed record CompareOptions
{
    /// <summary>Most variants and most folders side by side.</summary>
    public const int MostColumns = 16;

    private const string Forms = "compare takes one scenario file, such as config/quick.toml, or the folders of two or "
        + "more runs, such as runs/latest";

    private static readonly Argument<string[]> s_what = new("SCENARIO | RUN RUN")
    {
        Description = "One scenario file, whose variants are run; or the folders of runs that have ended",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string?> s_variants =
        RunOptions.Text("--variants", "A,B", "Variants of the scenario, the first is compared with; without it, all");

    private static readonly Option<string?> s_seeds =
        RunOptions.Text("--seeds", "N", "Seeds: 10 (1 to 10), 5-8, or 1,3,7; without it, the scenario's own");

    private static readonly Option<string[]> s_set = new("--set")
    {
        Description = "Another value for a key of the scenario, in all variants; may be repeated",
        HelpName = "path=value",
    };

    private static readonly Option<string?> s_threads =
        RunOptions.Text("--threads", "N", "Runs at the same time (default: one per core); the result does not depend on it");

    private static readonly Option<string?> s_until =
        RunOptions.Text("--until", "DURATION", "Stop each run at this virtual time, such as \"30 s\"");

    private static readonly Option<string?> s_json =
        RunOptions.Text("--json", "FILE", "Write the comparison as JSON, schema 1, to this file");

    private static readonly Option<string?> s_plot =
        RunOptions.Text("--plot", "FILE", "Draw free pages against the watermarks over time to this SVG file");

    private static readonly Option<string?> s_runsDir =
        RunOptions.Text("--runs-dir", "DIR", "Where run folders go, and where runs are looked for (default runs)");

    private static readonly Option<bool> s_quiet = new("--quiet")
    {
        Description = "No progress and no table: one line per variant with its verdicts",
    };

    /// <summary>The scenario whose variants are run, or null.</summary>
    public string? ScenarioPath { get; init; }

    /// <summary>Folders of runs; empty when a scenario is run.</summary>
    public IReadOnlyList<string> Runs { get; init; } = [];

    /// <summary>Variants by name; null means all.</summary>
    public IReadOnlyList<string>? Variants { get; init; }

    /// <summary>Seeds; null means the scenario's own.</summary>
    public IReadOnlyList<ulong>? Seeds { get; init; }

    /// <summary>Overrides in order.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Runs at the same time, 1 or more.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Virtual time to stop at, ns.</summary>
    public long? UntilNs { get; init; }

    /// <summary>File for the comparison as JSON.</summary>
    public string? JsonFile { get; init; }

    /// <summary>File for the plot.</summary>
    public string? PlotFile { get; init; }

    /// <summary>Folder of run folders.</summary>
    public string RunsDir { get; init; } = "runs";

    /// <summary>One line per variant only.</summary>
    public bool Quiet { get; init; }

    /// <summary>Adds argument and options to a command.</summary>
    public static void AddTo(Command command)
    {
        command.Arguments.Add(s_what);
        foreach (var option in new Option[]
                 {
                     s_variants, s_seeds, s_set, s_threads, s_until, s_json, s_plot, s_runsDir, s_quiet,
                 })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads a parsed command line.</summary>
    /// <exception cref="UsageException">A value is missing or not allowed.</exception>
    public static CompareOptions From(ParseResult parsed)
    {
        var what = parsed.GetValue(s_what) ?? [];
        var runs = RunsOf(what);
        if (runs.Length > 0)
        {
            RefuseForRuns(parsed);
        }

        return new CompareOptions
        {
            ScenarioPath = runs.Length > 0 ? null : what[0],
            Runs = runs,
            Variants = VariantsOf(parsed.GetValue(s_variants)),
            Seeds = parsed.GetValue(s_seeds) is { } seeds ? SeedList.Parse(seeds) : null,
            Overrides = parsed.GetValue(s_set) ?? [],
            Threads = (int)(RunOptions.Integer(parsed, s_threads, 1, 256) ?? Environment.ProcessorCount),
            UntilNs = RunOptions.Duration(parsed, s_until),
            JsonFile = parsed.GetValue(s_json),
            PlotFile = RunOptions.PlotFileOf(parsed.GetValue(s_plot)),
            RunsDir = parsed.GetValue(s_runsDir) ?? "runs",
            Quiet = parsed.GetValue(s_quiet),
        };
    }

    /// <summary>The arguments that repeat this comparison, quoted for a shell.</summary>
    public string Repeat()
    {
        List<string> words = ["compare", .. ScenarioPath is null ? Runs : [ScenarioPath]];
        void Add(string option, string? value)
        {
            if (value is not null)
            {
                words.Add(option);
                words.Add(value);
            }
        }

        Add("--variants", Variants is null ? null : string.Join(',', Variants));
        Add("--seeds", Seeds is null ? null : SeedList.Words(Seeds).Replace(" ", ""));
        foreach (var text in Overrides)
        {
            Add("--set", text);
        }

        Add("--until", UntilNs is { } until ? Units.Duration(until) : null);
        return string.Join(' ', words.Select(RunOptions.Quote));
    }

    /// <summary>The arguments of <c>run</c> for one run of this comparison.</summary>
    public string RepeatOne(string variant, ulong seed) => new RunOptions
    {
        ScenarioPath = ScenarioPath!,
        Variant = variant == Scenario.BaseVariant ? null : variant,
        Overrides = Overrides,
        UntilNs = UntilNs,
    }.Repeat(seed);

    // One argument is a scenario, two or more are runs. Nothing else is asked, so that no file can change the meaning.
    private static string[] RunsOf(string[] what)
    {
        var scenario = what.FirstOrDefault(path => path.EndsWith(".toml", StringComparison.OrdinalIgnoreCase));
        if (what.Length == 0)
        {
            throw new UsageException(Forms);
        }

        if (what.Length == 1)
        {
            return Directory.Exists(what[0])
                ? throw new UsageException($"{Forms}. Found: one folder, \"{what[0]}\".")
                : [];
        }

        return scenario is null && what.Length <= MostColumns
            ? what
            : throw new UsageException(scenario is null
                ? string.Create(CultureInfo.InvariantCulture, $"at most {MostColumns} runs can stand side by side")
                : $"{Forms}. Found: \"{scenario}\" among {what.Length} arguments.");
    }

    private static void RefuseForRuns(ParseResult parsed)
    {
        foreach (var option in new Option[] { s_variants, s_seeds, s_set, s_threads, s_until })
        {
            if (parsed.GetResult(option) is { Implicit: false })
            {
                throw new UsageException($"{option.Name} goes with a scenario file, not with folders of runs");
            }
        }
    }

    private static string[]? VariantsOf(string? text)
    {
        var names = text?.Split(',', StringSplitOptions.TrimEntries);
        if (names is null)
        {
            return null;
        }

        if (names.Length > MostColumns || names.Distinct().Count() < names.Length || names.Contains(""))
        {
            throw new UsageException(
                $"--variants: not allowed. Found: \"{text}\". Allowed: up to {MostColumns} different names, separated by "
                + "commas.");
        }

        return names;
    }
}
