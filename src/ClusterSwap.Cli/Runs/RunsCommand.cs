// `clusterswap runs`: what was recorded: list, show, delete, export.
using System.CommandLine;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Runs;

/// <summary>Looks after run folders and journals. Nothing is deleted but by `delete`.</summary>
internal sealed class RunsCommand
{
    private static readonly Argument<string?> RunArgument = new("RUN")
    {
        Description = "A run's folder, its id in the runs folder, or latest",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> ScenarioOption =
        RunOptions.Text("--scenario", "NAME", "Only runs of this scenario");

    private static readonly Option<string?> VerdictOption =
        RunOptions.Text("--verdict", "WORD", "Only runs that ended so; unfinished for those that did not end");

    private static readonly Option<string?> SinceOption =
        RunOptions.Text("--since", "DATE", "Only runs that began on this day or later, such as 2012-07-04");

    private static readonly Option<string?> UntilOption =
        RunOptions.Text("--until", "DATE", "Only runs that began on this day or earlier");

    private static readonly Option<bool> YesOption = new("--yes") { Description = "Do not ask" };

    private static readonly Option<string?> OutOption =
        RunOptions.Text("--out", "FILE", "Where the lines go (default: standard output)");

    private static readonly Option<string?> JsonOption = RunOptions.Text("--json", "FILE", "Write the list as JSON as well");

    private static readonly Option<string?> RunsDirOption =
        RunOptions.Text("--runs-dir", "DIR", "Where run folders are (default runs)");

    private readonly CliConsole _console;
    private readonly Func<JournalStore?> _database;
    private readonly TextReader _input;

    /// <summary>The command with what it runs on.</summary>
    public RunsCommand(CliConsole console, Func<JournalStore?> database, TextReader input)
    {
        _console = console;
        _database = database;
        _input = input;
        Command = new Command("runs", "What was recorded: list, show, delete, export")
        {
            Sub("list", "List runs, the newest last", List, ScenarioOption, VerdictOption, SinceOption, UntilOption, JsonOption, RunsDirOption),
            Sub("show", "Show one run", Show, RunArgument, RunsDirOption),
            Sub("delete", "Delete one run with its journal, after asking", Delete, RunArgument, YesOption, RunsDirOption),
            Sub("export", "Write a run's journal as JSON lines", Export, RunArgument, OutOption, RunsDirOption),
        };
        Command.SetAction(Nothing);
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    private static int Nothing(ParseResult parsed) =>
        throw new UsageException("runs needs to know what to do. Allowed: list, show RUN, delete RUN, export RUN.");

    private static Command Sub(string name, string description, Func<ParseResult, int> run, params Symbol[] symbols)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        command.SetAction(run);
        return command;
    }

    private RunCatalogue Catalogue(ParseResult parsed)
    {
        var runsDir = parsed.GetValue(RunsDirOption) ?? "runs";
        return new RunCatalogue(runsDir, _database());
    }

    private static string Named(ParseResult parsed, string command) => parsed.GetValue(RunArgument)
        ?? throw new UsageException($"runs {command} needs a run: a folder, an id, or latest");

    private int List(ParseResult parsed)
    {
        var catalogue = Catalogue(parsed);
        using var json = parsed.GetValue(JsonOption) is { } file ? new AtomicFile(file, "--json") : null;
        var verdict = VerdictOf(parsed.GetValue(VerdictOption));
        var since = Date(SinceOption, parsed);
        var until = Date(UntilOption, parsed);
        var all = catalogue.Ids().Select(id => RunEntry.Read(catalogue, id)).ToArray();
        var scenario = parsed.GetValue(ScenarioOption);
        if (scenario is not null && all.Length > 0 && !all.Any(run => run.Scenario == scenario))
        {
            var known = all.Select(run => run.Scenario).Distinct().ToArray();
            var meant = Nearest.Name(scenario, known);
            throw new UsageException(
                $"--scenario: there is no run of it. Found: \"{scenario}\"."
                + (meant is null ? $" Allowed: {string.Join(", ", known.Take(20))}." : $" Did you mean {meant}?"));
        }

        RunEntry[] runs = [.. all
            .Where(run => scenario is null || run.Scenario == scenario)
            .Where(run => verdict is null || run.Verdict == verdict)
            .Where(run => since is null || run.Began is { } began && DateOnly.FromDateTime(began.UtcDateTime) >= since)
            .Where(run => until is null || run.Began is { } began && DateOnly.FromDateTime(began.UtcDateTime) <= until)
            .OrderBy(run => run.Began).ThenBy(run => run.RunId, StringComparer.Ordinal)];
        json?.Commit(RunEntry.ToJson(runs));
        foreach (var line in runs.Length == 0 ? ["no runs"] : RunEntry.Table(runs).Lines())
        {
            _console.Out.WriteLine(line);
        }

        foreach (var run in runs.Where(run => run.Damage is not null))
        {
            _console.Error.WriteLine("clusterswap: " + run.Damage);
        }

        return ExitStatus.Success;
    }

    private int Show(ParseResult parsed)
    {
        var catalogue = Catalogue(parsed);
        var name = Named(parsed, "show");
        var entry = RunEntry.Read(catalogue, catalogue.IdOf(name), name, whole: true);
        foreach (var line in entry.Describe())
        {
            _console.Out.WriteLine(line);
        }

        return entry.Damage is null ? ExitStatus.Success : ExitStatus.Damaged;
    }

    private int Delete(ParseResult parsed)
    {
        var catalogue = Catalogue(parsed);
        var name = Named(parsed, "delete");
        var entry = RunEntry.Read(catalogue, catalogue.IdOf(name), name);
        foreach (var line in entry.Describe())
        {
            _console.Out.WriteLine(line);
        }

        if (!parsed.GetValue(YesOption))
        {
            _console.Out.Write($"Delete run {entry.RunId} and its journal for good? Type its id to say so: ");
            if (_input.ReadLine()?.Trim() != entry.RunId)
            {
                _console.Out.WriteLine();
                _console.Error.WriteLine("clusterswap: nothing was deleted");
                return ExitStatus.Usage;
            }
        }

        RunRemoval.Remove(catalogue, entry);
        _console.Out.WriteLine($"deleted: {entry.RunId}");
        return ExitStatus.Success;
    }

    private int Export(ParseResult parsed)
    {
        using var run = JournalledRun.Open(Catalogue(parsed), Named(parsed, "export"));
        if (parsed.GetValue(OutOption) is not { } path)
        {
            return JournalExport.Write(run, _console.Out, _console.Error);
        }

        try
        {
            using var file = new StreamWriter(path, append: false, new System.Text.UTF8Encoding(false)) { NewLine = "\n" };
            return JournalExport.Write(run, file, _console.Error);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--out cannot be written to \"{path}\": {e.Message.TrimEnd('.')}");
        }
    }

    private static string? VerdictOf(string? word)
    {
        string[] known = [.. Enum.GetValues<Verdict>().Select(VerdictWords.Word), RunEntry.Unfinished];
        if (word is null || known.Contains(word))
        {
            return word;
        }

        var meant = Nearest.Name(word, known);
        throw new UsageException(
            $"--verdict: no such verdict. Found: \"{word}\". Allowed: {string.Join(", ", known)}."
            + (meant is null ? "" : $" Did you mean {meant}?"));
    }

    private static DateOnly? Date(Option<string?> option, ParseResult parsed)
    {
        if (parsed.GetValue(option) is not { } text)
        {
            return null;
        }

        return DateOnly.TryParseExact(text, "yyyy-MM-dd", out var date)
            ? date
            : throw new UsageException($"{option.Name}: no date. Found: \"{text}\". Allowed: a day, such as 2012-07-04.");
    }
}
