// The options of `run`, read and checked.
using System.CommandLine;
using System.Globalization;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Cli.Nodes;
using ClusterSwap.Engine;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli;

/// <summary>What the user asked `run` to do.</summary>
public sealed record RunOptions
{
    private static readonly Argument<string?> ScenarioArgument = new("SCENARIO")
    {
        Description = "A scenario file, such as config/quick.toml",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> ResumeOption =
        Text("--resume", "RUN", "Go on with this recorded run instead: a folder, an id, or latest");

    private static readonly Option<string?> VariantOption =
        Text("--variant", "V", "A variant of the scenario; without it, the file's own values (\"base\")");

    private static readonly Option<string[]> SetOption = new("--set")
    {
        Description = "Another value for a key of the scenario, such as blade.passes=1; may be repeated",
        HelpName = "path=value",
    };

    private static readonly Option<string?> SeedOption =
        Text("--seed", "N", "Seed of all randomness; without it, the scenario's");

    private static readonly Option<string?> ThreadsOption =
        Text("--threads", "N", "Threads that run the simulation; the result does not depend on it (default 1)");

    private static readonly Option<string?> UntilOption =
        Text("--until", "DURATION", "Stop at this virtual time, such as \"30 s\"");

    private static readonly Option<string?> JsonOption =
        Text("--json", "FILE", "Write the summary as JSON, schema 1, to this file as well");

    private static readonly Option<string?> PlotOption =
        Text("--plot", "FILE", "Draw free pages against the watermarks over time to this SVG file");

    private static readonly Option<string?> RunsDirOption =
        Text("--runs-dir", "DIR", "Where run folders go (default runs)");

    private static readonly Option<bool> QuietOption = new("--quiet")
    {
        Description = "No progress and no table: one line with verdict and fingerprint",
    };

    private static readonly Option<string?> CheckpointOption =
        Text("--checkpoint", "FILE", "Write a checkpoint to this file; needs --checkpoint-at");

    private static readonly Option<string?> CheckpointAtOption =
        Text("--checkpoint-at", "DURATION", "Virtual time of the checkpoint; taken at the next barrier");

    private static readonly Option<string?> RestoreOption =
        Text("--restore", "FILE", "Go on from a checkpoint of the same scenario, variant and seed");

    private static readonly Option<string?> ProcDirOption =
        Text("--proc-dir", "DIR", "Write /proc and /sys files of every blade into this new or empty folder");

    private static readonly Option<string?> ProcEveryOption =
        Text("--proc-every", "DURATION", "Virtual time between two moments of these files (default: every barrier)");

    private static readonly Option<string?> FtraceOption =
        Text("--ftrace", "FILE", "Write trace events in ftrace's text form; several blades: FILE.<blade> for each");

    private static readonly Option<string?> FtraceEventsOption =
        Text("--ftrace-events", "LIST", $"Events, groups or globs, with commas (default {TraceSelection.Default})");

    private static readonly Option<string?> JournalOption =
        Text("--journal", "LEVEL", "What the journal records: decisions (default), all, or off");

    internal static readonly Option<string?> CheckpointEveryOption =
        Text("--checkpoint-every", "DURATION", "CPU time of the simulation between two checkpoints in the journal (default \"750 ms\")");

    private static readonly Option<bool> AdviseOption = new("--advise")
    {
        Description = "After a hang, run again with one change at a time and say what completes (small scenarios: always)",
    };

    private static readonly Option<bool> NoAdviseOption = new("--no-advise")
    {
        Description = "No such runs, however small the scenario is",
    };

    /// <summary>File of the scenario.</summary>
    public required string ScenarioPath { get; init; }

    /// <summary>A recorded run to go on with, as the user named it; null for a new run.</summary>
    public string? Resume { get; init; }

    /// <summary>Variant, or null for the file's own values.</summary>
    public string? Variant { get; init; }

    /// <summary>Overrides in order.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Seed, or null for the scenario's.</summary>
    public ulong? Seed { get; init; }

    /// <summary>Threads, 1 or more.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>On which nodes; null for this process.</summary>
    public ClusterChoice? Cluster { get; init; }

    /// <summary>Virtual time to stop at, ns.</summary>
    public long? UntilNs { get; init; }

    /// <summary>File for the summary as JSON.</summary>
    public string? JsonFile { get; init; }

    /// <summary>File for the plot of free pages.</summary>
    public string? PlotFile { get; init; }

    /// <summary>Folder of run folders.</summary>
    public string RunsDir { get; init; } = "runs";

    /// <summary>One line of output only.</summary>
    public bool Quiet { get; init; }

    /// <summary>File for a checkpoint.</summary>
    public string? CheckpointFile { get; init; }

    /// <summary>Virtual time of the checkpoint, ns.</summary>
    public long? CheckpointAtNs { get; init; }

    /// <summary>Checkpoint to go on from.</summary>
    public string? RestoreFile { get; init; }

    /// <summary>Folder for /proc and /sys files.</summary>
    public string? ProcDir { get; init; }

    /// <summary>File for trace events.</summary>
    public string? FtraceFile { get; init; }

    /// <summary>Events that are traced, a bit each.</summary>
    public ulong FtraceEvents { get; init; }

    /// <summary>What the journal records.</summary>
    public JournalLevel Journal { get; init; }

    /// <summary>CPU time between two checkpoints in the journal, ns; null for the default, or as a resumed run was begun.</summary>
    public long? CheckpointEveryNs { get; init; }

    /// <summary>Virtual time between two moments of them, ns; null for every barrier.</summary>
    public long? ProcEveryNs { get; init; }

    /// <summary>Advice after a hang: true = wanted, false = not wanted, null = if it costs little.</summary>
    public bool? Advise { get; init; }

    /// <summary>Adds argument and options to a command.</summary>
    public static void AddTo(Command command)
    {
        command.Arguments.Add(ScenarioArgument);
        foreach (var option in new Option[]
                 {
                     VariantOption, SetOption, SeedOption, ThreadsOption, UntilOption, JsonOption, PlotOption,
                     RunsDirOption, QuietOption, CheckpointOption, CheckpointAtOption, RestoreOption, ProcDirOption,
                     ProcEveryOption, FtraceOption, FtraceEventsOption, JournalOption, CheckpointEveryOption,
                     AdviseOption, NoAdviseOption, ResumeOption,
                 })
        {
            command.Options.Add(option);
        }

        ClusterChoice.AddTo(command);
    }

    /// <summary>Reads a parsed command line.</summary>
    /// <exception cref="UsageException">A value is missing or not allowed.</exception>
    public static RunOptions From(ParseResult parsed)
    {
        var cluster = ClusterChoice.From(parsed);
        var options = new RunOptions
        {
            Cluster = cluster,
            ScenarioPath = parsed.GetValue(ScenarioArgument) ?? (parsed.GetValue(ResumeOption) is null
                ? throw new UsageException("run needs a scenario file, such as config/quick.toml")
                : ""),
            Resume = parsed.GetValue(ResumeOption),
            Variant = parsed.GetValue(VariantOption),
            Overrides = parsed.GetValue(SetOption) ?? [],
            Seed = (ulong?)Integer(parsed, SeedOption, 0, long.MaxValue),
            Threads = (int)(Integer(parsed, ThreadsOption, 1, 256) ?? 1),
            UntilNs = Duration(parsed, UntilOption),
            JsonFile = parsed.GetValue(JsonOption),
            PlotFile = PlotFileOf(parsed.GetValue(PlotOption)),
            RunsDir = parsed.GetValue(RunsDirOption) ?? "runs",
            Quiet = parsed.GetValue(QuietOption),
            CheckpointFile = parsed.GetValue(CheckpointOption),
            CheckpointAtNs = Duration(parsed, CheckpointAtOption),
            RestoreFile = parsed.GetValue(RestoreOption),
            ProcDir = parsed.GetValue(ProcDirOption),
            FtraceFile = parsed.GetValue(FtraceOption),
            FtraceEvents = Events(parsed.GetValue(FtraceEventsOption) ?? TraceSelection.Default),
            ProcEveryNs = Duration(parsed, ProcEveryOption),
            CheckpointEveryNs = Duration(parsed, CheckpointEveryOption),
            Journal = Level(parsed.GetValue(JournalOption) ?? "decisions"),
            Advise = parsed.GetValue(AdviseOption) ? true : parsed.GetValue(NoAdviseOption) ? false : null,
        };
        if (parsed.GetValue(AdviseOption) && parsed.GetValue(NoAdviseOption))
        {
            throw new UsageException("--advise and --no-advise say the opposite: leave one out");
        }

        if ((options.CheckpointFile is null) != (options.CheckpointAtNs is null))
        {
            throw new UsageException("--checkpoint FILE and --checkpoint-at DURATION go together: one is missing");
        }

        if (options is { ProcEveryNs: not null, ProcDir: null })
        {
            throw new UsageException("--proc-every says how often --proc-dir writes: --proc-dir DIR is missing");
        }

        if (options.FtraceFile is null && parsed.GetValue(FtraceEventsOption) is not null)
        {
            throw new UsageException("--ftrace-events says what --ftrace writes: --ftrace FILE is missing");
        }

        if (cluster is not null)
        {
            RefuseOnNodes(parsed);
        }

        if (options.Resume is not null)
        {
            RefuseOnResume(parsed);
        }

        return options.RestoreFile is { } file && !File.Exists(file)
            ? throw new UsageException($"--restore: there is no such file. Found: \"{file}\"")
            : options;
    }

    /// <summary>The arguments that repeat this run with <paramref name="seed"/>, quoted for a shell.</summary>
    public string Repeat(ulong seed)
    {
        List<string> words = ["run", ScenarioPath];
        void Add(string option, string? value)
        {
            if (value is not null)
            {
                words.Add(option);
                words.Add(value);
            }
        }

        Add("--variant", Variant);
        foreach (var text in Overrides)
        {
            Add("--set", text);
        }

        Add("--seed", seed.ToString(CultureInfo.InvariantCulture));
        Add("--threads", Threads == 1 ? null : Threads.ToString(CultureInfo.InvariantCulture));
        words.AddRange(Cluster?.Words() ?? []);
        Add("--until", UntilNs is { } until ? Units.Duration(until) : null);
        Add("--restore", RestoreFile);
        return string.Join(' ', words.Select(Quote));
    }

    // What writes files of a blade writes them where the blade is.
    private static void RefuseOnNodes(ParseResult parsed)
    {
        Option<string?>[] refused = [CheckpointOption, RestoreOption, ProcDirOption, FtraceOption];
        if (Array.Find(refused, option => parsed.GetValue(option) is not null) is { } option)
        {
            throw new UsageException(
                $"{option.Name} is for runs in one process, not with --nodes or --join. The journal has what is needed: "
                + "replay RUN --at shows any moment, and --resume goes on from the last checkpoint.");
        }
    }

    // What is run was said when the run was begun; how it is run may be said anew.
    private static void RefuseOnResume(ParseResult parsed)
    {
        if (parsed.GetValue(ScenarioArgument) is { } scenario)
        {
            throw new UsageException(
                $"--resume goes on with a recorded run and its own scenario. Found besides: \"{scenario}\"");
        }

        Option[] refused =
        [
            VariantOption, SetOption, SeedOption, UntilOption, PlotOption, CheckpointOption, CheckpointAtOption, RestoreOption,
            ProcDirOption, ProcEveryOption, FtraceOption, FtraceEventsOption, JournalOption, AdviseOption, NoAdviseOption,
        ];
        if (Array.Find(refused, option => parsed.GetResult(option) is { Implicit: false }) is { } given)
        {
            throw new UsageException($"{given.Name} is for a new run: --resume goes on with a run as it was begun");
        }
    }

    /// <summary>The file of a plot, which is SVG.</summary>
    internal static string? PlotFileOf(string? path) =>
        path is null || path.EndsWith(".svg", StringComparison.OrdinalIgnoreCase)
            ? path
            : throw new UsageException(
                $"--plot: plots are SVG. Found: \"{path}\". Allowed: a file that ends in .svg; "
                + "rsvg-convert or a browser makes a PNG of it.");

    internal static Option<string?> Text(string name, string value, string description) =>
        new(name) { Description = description, HelpName = value };

    internal static ulong Events(string list) => TraceSelection.TryParse(list, out var selected, out var error)
        ? selected
        : throw new UsageException($"--ftrace-events: {error}");

    internal static JournalLevel Level(string word) => word switch
    {
        "decisions" => JournalLevel.Decisions,
        "all" => JournalLevel.All,
        "off" => JournalLevel.Off,
        _ => throw new UsageException($"--journal: no such level. Found: \"{word}\". Allowed: decisions, all, off."),
    };

    internal static long? Integer(
        ParseResult parsed, Option<string?> option, long min, long max, string alsoAllowed = "")
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            && value >= min && value <= max
            ? value
            : throw new UsageException(string.Create(CultureInfo.InvariantCulture,
                $"{option.Name}: not allowed. Found: \"{text}\". Allowed: an integer from {min:N0} to {max:N0}{alsoAllowed}."));
    }

    internal static long? Duration(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        if (Units.TryDuration(text, out var ns, out var error) && ns > 0)
        {
            return ns;
        }

        var meant = error.Nearest is null ? "" : $" Did you mean \"{error.Nearest}\"?";
        throw new UsageException(
            $"{option.Name}: {error.Reason ?? "out of range"}. Found: \"{text}\". "
            + $"Allowed: {Units.DurationForm}, more than 0.{meant}");
    }

    internal static string Quote(string word) =>
        word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || "-_./=:,+".Contains(c))
            ? word
            : "'" + word.Replace("'", "'\\''") + "'";
}
