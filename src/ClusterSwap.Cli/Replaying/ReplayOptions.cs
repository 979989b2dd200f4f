// The options of `replay`, read and checked.
using System.CommandLine;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Engine;

namespace ClusterSwap.Cli.Replaying;

/// <summary>Which way of replaying is wanted.</summary>
public enum ReplayMode
{
    /// <summary>State and events at a moment.</summary>
    Look,

    /// <summary>Compare a re-execution with the journal.</summary>
    Verify,

    /// <summary>The same from a moment on under another rule.</summary>
    Fork,

    /// <summary>Go on with a run that was killed.</summary>
    Resume,

    /// <summary>Which event made a hang unavoidable.</summary>
    Why,
}

/// <summary>What the user asked `replay` to do.</summary>
public sealed record ReplayOptions
{
    private static readonly Argument<string?> RunArgument = new("RUN")
    {
        Description = "A run's folder, its id in the runs folder, or latest",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> AtOption =
        RunOptions.Text("--at", "TIME", "The state at this virtual time, such as \"12.5 s\", or end");

    private static readonly Option<string?> BackOption =
        RunOptions.Text("--back", "N", "So many events of the blade before that moment");

    private static readonly Option<string?> FromOption = RunOptions.Text("--from", "TIME", "Events from this virtual time on");

    private static readonly Option<string?> ToOption = RunOptions.Text("--to", "TIME", "Events before this virtual time");

    private static readonly Option<string?> BladeOption =
        RunOptions.Text("--blade", "NAME", "Only this blade or server");

    private static readonly Option<string[]> KindOption = new("--kind")
    {
        Description = "Only messages or decisions of this name; may be repeated",
        HelpName = "NAME",
    };

    private static readonly Option<string?> FollowOption =
        RunOptions.Text("--follow", "HOST:NUMBER", "One event with what led to it and what it led to");

    private static readonly Option<string?> MostOption =
        RunOptions.Text("--most", "N", "Events at most (default 200)");

    private static readonly Option<bool> VerifyOption = Flag("--verify", "Run again and compare with the journal");

    private static readonly Option<string?> ForkOption =
        RunOptions.Text("--fork-at", "TIME", "Run again from this virtual time on with another value; needs --set");

    private static readonly Option<string[]> SetOption = new("--set")
    {
        Description = "Another value for a key of the scenario, such as patches=\"all - 15\"; may be repeated",
        HelpName = "path=value",
    };

    private static readonly Option<bool> ResumeOption =
        Flag("--resume", "Go on with a run that was killed, from its last checkpoint");

    private static readonly Option<bool> WhyOption = Flag("--why", "Which event made the hang unavoidable");

    private static readonly Option<string?> SchedulesOption =
        RunOptions.Text("--schedules", "N", "Other orders that --why tries from each moment (default 8)");

    private static readonly Option<string?> BoundOption =
        RunOptions.Text("--bound", "DURATION", "Virtual time that each has to get on (default 30 s)");

    private static readonly Option<string?> ThreadsOption =
        RunOptions.Text("--threads", "N", "Threads that run the simulation (default 1)");

    private static readonly Option<string?> JsonOption = RunOptions.Text("--json", "FILE", "Write the result as JSON");

    private static readonly Option<string?> ProcDirOption =
        RunOptions.Text("--proc-dir", "DIR", "Write /proc and /sys files of that moment into this new or empty folder");

    private static readonly Option<string?> FtraceOption =
        RunOptions.Text("--ftrace", "FILE", "Write trace events between --from and --to in ftrace's text form");

    private static readonly Option<string?> FtraceEventsOption =
        RunOptions.Text("--ftrace-events", "LIST", $"Events, groups or globs, with commas (default {TraceSelection.Default})");

    private static readonly Option<string?> RunsDirOption =
        RunOptions.Text("--runs-dir", "DIR", "Where run folders are (default runs)");

    private static readonly Option<bool> QuietOption = Flag("--quiet", "No progress");

    /// <summary>The run, as the user named it.</summary>
    public required string Run { get; init; }

    /// <summary>What to do.</summary>
    public ReplayMode Mode { get; init; }

    /// <summary>The moment, ns; null when none is named, <see cref="long.MaxValue"/> for the end.</summary>
    public long? AtNs { get; init; }

    /// <summary>Events to go back from there.</summary>
    public int? Back { get; init; }

    /// <summary>Events from here on, ns.</summary>
    public long? FromNs { get; init; }

    /// <summary>Events before this, ns.</summary>
    public long? ToNs { get; init; }

    /// <summary>Name of a blade or server.</summary>
    public string? Blade { get; init; }

    /// <summary>Names of messages and decisions.</summary>
    public IReadOnlyList<string> Kinds { get; init; } = [];

    /// <summary>Host and number of a delivery.</summary>
    public (string Host, long Number)? Follow { get; init; }

    /// <summary>Events at most.</summary>
    public int Most { get; init; } = 200;

    /// <summary>Where the fork is, ns.</summary>
    public long ForkNs { get; init; }

    /// <summary>Other values.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Other orders tried.</summary>
    public int Schedules { get; init; } = 8;

    /// <summary>Virtual time that each has, ns.</summary>
    public long? BoundNs { get; init; }

    /// <summary>Threads.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>CPU time between two checkpoints of a resumed run, ns.</summary>
    public long? CheckpointEveryNs { get; init; }

    /// <summary>File for JSON.</summary>
    public string? JsonFile { get; init; }

    /// <summary>Folder for /proc and /sys files.</summary>
    public string? ProcDir { get; init; }

    /// <summary>File for trace events.</summary>
    public string? FtraceFile { get; init; }

    /// <summary>Which trace events, a bit each.</summary>
    public ulong FtraceEvents { get; init; }

    /// <summary>Folder of run folders.</summary>
    public string RunsDir { get; init; } = "runs";

    /// <summary>No progress.</summary>
    public bool Quiet { get; init; }

    /// <summary>Events are wanted, and not only the state at a moment.</summary>
    public bool WantsEvents => FromNs is not null || ToNs is not null || Kinds.Count > 0 || Follow is not null
        || Back is not null || FtraceFile is not null;

    /// <summary>Adds argument and options to a command.</summary>
    public static void AddTo(Command command)
    {
        command.Arguments.Add(RunArgument);
        foreach (var option in new Option[]
                 {
                     AtOption, BackOption, FromOption, ToOption, BladeOption, KindOption, FollowOption, MostOption,
                     VerifyOption, ForkOption, SetOption, ResumeOption, WhyOption, SchedulesOption, BoundOption,
                     ThreadsOption, RunOptions.CheckpointEveryOption, JsonOption, ProcDirOption, FtraceOption, FtraceEventsOption, RunsDirOption, QuietOption,
                 })
        {
            command.Options.Add(option);
        }
    }

    /// <summary>Reads a parsed command line.</summary>
    /// <exception cref="UsageException">A value is missing or not allowed.</exception>
    public static ReplayOptions From(ParseResult parsed)
    {
        var options = new ReplayOptions
        {
            Run = parsed.GetValue(RunArgument) ?? throw new UsageException("replay needs a run: a folder, an id, or latest"),
            Mode = ModeOf(parsed),
            AtNs = Moment(parsed, AtOption),
            Back = (int?)RunOptions.Integer(parsed, BackOption, 1, 1_000_000),
            FromNs = Moment(parsed, FromOption),
            ToNs = Moment(parsed, ToOption),
            Blade = parsed.GetValue(BladeOption),
            Kinds = parsed.GetValue(KindOption) ?? [],
            Follow = FollowOf(parsed.GetValue(FollowOption)),
            Most = (int)(RunOptions.Integer(parsed, MostOption, 1, 10_000_000) ?? 200),
            ForkNs = Moment(parsed, ForkOption) ?? 0,
            Overrides = parsed.GetValue(SetOption) ?? [],
            Schedules = (int)(RunOptions.Integer(parsed, SchedulesOption, 1, 1_000) ?? 8),
            BoundNs = RunOptions.Duration(parsed, BoundOption),
            Threads = (int)(RunOptions.Integer(parsed, ThreadsOption, 1, 256) ?? 1),
            CheckpointEveryNs = RunOptions.Duration(parsed, RunOptions.CheckpointEveryOption),
            JsonFile = parsed.GetValue(JsonOption),
            ProcDir = parsed.GetValue(ProcDirOption),
            FtraceFile = parsed.GetValue(FtraceOption),
            FtraceEvents = RunOptions.Events(parsed.GetValue(FtraceEventsOption) ?? TraceSelection.Default),
            RunsDir = parsed.GetValue(RunsDirOption) ?? "runs",
            Quiet = parsed.GetValue(QuietOption),
        };
        options.Check();
        return options;
    }

    /// <summary>How a run is gone on with.</summary>
    public RunOptions ToResume() => new()
    {
        ScenarioPath = "",
        Resume = Run,
        Threads = Threads,
        RunsDir = RunsDir,
        Quiet = Quiet,
        CheckpointEveryNs = CheckpointEveryNs,
    };

    private void Check()
    {
        if (Mode == ReplayMode.Fork && Overrides.Count == 0)
        {
            throw new UsageException("--fork-at needs --set path=value: what is to be another value from there on?");
        }

        if (Mode is ReplayMode.Look or ReplayMode.Resume or ReplayMode.Why && Overrides.Count > 0)
        {
            throw new UsageException("--set goes with --fork-at TIME, or with --verify to see what another rule would have changed first");
        }

        if (Mode != ReplayMode.Look && (AtNs is not null || WantsEvents))
        {
            throw new UsageException("--at, --from, --to, --back, --kind, --follow and --ftrace look at a run: they go with no other way of replaying");
        }

        if (FromNs is { } from && ToNs is { } to && from >= to)
        {
            throw new UsageException("--from must be before --to");
        }
    }

    private static ReplayMode ModeOf(ParseResult parsed)
    {
        var modes = new List<(string Name, ReplayMode Mode)>();
        void Add(bool wanted, string name, ReplayMode mode)
        {
            if (wanted)
            {
                modes.Add((name, mode));
            }
        }

        Add(parsed.GetValue(VerifyOption), "--verify", ReplayMode.Verify);
        Add(parsed.GetValue(ForkOption) is not null, "--fork-at", ReplayMode.Fork);
        Add(parsed.GetValue(ResumeOption), "--resume", ReplayMode.Resume);
        Add(parsed.GetValue(WhyOption), "--why", ReplayMode.Why);
        return modes.Count switch
        {
            0 => ReplayMode.Look,
            1 => modes[0].Mode,
            _ => throw new UsageException($"{string.Join(" and ", modes.Select(mode => mode.Name))}: one at a time"),
        };
    }

    private static long? Moment(ParseResult parsed, Option<string?> option)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        if (text == "end" && option == AtOption)
        {
            return long.MaxValue;
        }

        if (Units.TryDuration(text, out var ns, out var error))
        {
            return ns;
        }

        var meant = error.Nearest is null ? "" : $" Did you mean \"{error.Nearest}\"?";
        throw new UsageException(
            $"{option.Name}: {error.Reason}. Found: \"{text}\". Allowed: {Units.DurationForm}"
            + $"{(option == AtOption ? ", or end" : "")}.{meant}");
    }

    private static (string Host, long Number)? FollowOf(string? text)
    {
        if (text is null)
        {
            return null;
        }

        var colon = text.LastIndexOf(':');
        return colon > 0 && long.TryParse(text[(colon + 1)..].Replace(",", "", StringComparison.Ordinal), out var number) && number > 0
            ? (text[..colon], number)
            : throw new UsageException(
                $"--follow: an event is named by its host and number. Found: \"{text}\". Allowed: HOST:NUMBER, as events are listed, such as blade:1234.");
    }

    private static Option<bool> Flag(string name, string description) => new(name) { Description = description };
}
