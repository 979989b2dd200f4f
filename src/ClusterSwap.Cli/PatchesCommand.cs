// `clusterswap patches`: what each patch does, and each change outside the series.
using System.CommandLine;
using System.Globalization;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli;

/// <summary>Explains the patches of the series and the changes outside it.</summary>
internal sealed class PatchesCommand
{
    private const string Study = "config/studies/which-patch.toml";

    // Lines of the page docs/patches.md; a terminal of 80 columns wraps less than it would from 120.
    private const int WrapAt = 96;

    private readonly CliConsole _console;

    private readonly Argument<string?> _which = new("N")
    {
        Description = "Number of a patch, 1 to 16, or name of a change; without it, a table of all patches",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<bool> _changes = new("--changes") { Description = "The changes outside the series instead" };

    private readonly Option<bool> _json = new("--json") { Description = "Print as JSON, schema 1" };

    /// <summary>The command on <paramref name="console"/>.</summary>
    public PatchesCommand(CliConsole console)
    {
        _console = console;
        Command = new Command("patches", "Explain the sixteen patches") { _which, _changes, _json };
        Command.SetAction(Show);
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    /// <summary>Commands that show a patch at work: with all patches, and with all but this one.</summary>
    public static IEnumerable<string> CommandsFor(PatchInfo info)
    {
        var settings = string.Concat(info.Setting.Select(set => set.Contains(' ') ? $" --set \"{set}\"" : $" --set {set}"));
        yield return $"clusterswap run {Study}{settings}";
        yield return $"clusterswap run {Study} --variant all-but-{info.Number}{settings}";
    }

    private int Show(ParseResult parsed)
    {
        var json = parsed.GetValue(_json);
        var which = parsed.GetValue(_which);
        if (parsed.GetValue(_changes))
        {
            if (which is not null)
            {
                throw new UsageException($"--changes lists all changes; leave out \"{which}\", or leave out --changes");
            }

            return json ? Print(PatchesJson.Write([], KernelChanges.All)) : Changes();
        }

        if (which is null)
        {
            return json ? Print(PatchesJson.Write(PatchCatalogue.All, [])) : Table();
        }

        if (KernelChanges.Find(which) is { } change)
        {
            return json ? Print(PatchesJson.Write([], [change])) : One(change);
        }

        var info = PatchCatalogue.Info(Number(which));
        return json ? Print(PatchesJson.Write([info], [])) : One(info);
    }

    private static int Number(string which)
    {
        var isNumber = int.TryParse(which, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number);
        if (isNumber && number is >= 1 and <= PatchSet.Count)
        {
            return number;
        }

        var meant = isNumber
            ? $"{Math.Clamp(number, 1, PatchSet.Count)}"
            : Nearest.Name(which, KernelChanges.All.Select(info => info.Name));
        throw new UsageException($"\"{which}\" is no patch and no change. Allowed: a number from 1 to {PatchSet.Count}, or a name that "
            + "clusterswap patches --changes lists." + (meant is null ? "" : $" Did you mean {meant}?"));
    }

    private int Table()
    {
        var width = PatchCatalogue.All.Max(info => info.Name.Length);
        Line($" #  {"name".PadRight(width)}  needs");
        foreach (var info in PatchCatalogue.All)
        {
            Line($"{info.Number,2}  {info.Name.PadRight(width)}  {Needs(info)}");
        }

        Line("");
        Line("clusterswap patches 14 explains one of them, clusterswap patches --changes lists what changed outside the series.");
        return ExitStatus.Success;
    }

    private int One(PatchInfo info)
    {
        Line($"{info.Number}. {info.Name}");
        Line(info.Title);
        Line($"commit {info.CommitText}; needs {Needs(info)}");
        Section("Rule", info.Rule);
        Section("Without it", info.Without);
        Section("What can be seen", info.Prediction);
        Line("");
        Line("With all patches, and with all but this one:");
        foreach (var command in CommandsFor(info))
        {
            Line("  " + command);
        }

        return ExitStatus.Success;
    }

    private int Changes()
    {
        var name = KernelChanges.All.Max(info => info.Name.Length);
        var version = KernelChanges.All.Max(info => info.Version.Length);
        Line($"{"name".PadRight(name)}  {"version".PadRight(version)}  in era");
        foreach (var info in KernelChanges.All)
        {
            Line($"{info.Name.PadRight(name)}  {info.Version.PadRight(version)}  {EraText(info)}");
        }

        return ExitStatus.Success;
    }

    private int One(KernelChangeInfo info)
    {
        Line(info.Name);
        Line($"version {info.Version}; in era {EraText(info)}; needs {Needs(info)}");
        Section("Rule", info.Meaning);
        Line("");
        Line("In a scenario that has it, without it:");
        Line($"  --set blade.changes=\"auto - {info.Name}\"");
        return ExitStatus.Success;
    }

    private int Print(string document)
    {
        _console.Out.Write(document);
        return ExitStatus.Success;
    }

    private void Section(string title, string text)
    {
        Line("");
        Line(title + ":");
        var line = "  ";
        foreach (var word in text.Split(' '))
        {
            if (line.Length + word.Length > WrapAt)
            {
                Line(line.TrimEnd());
                line = "  ";
            }

            line += word + " ";
        }

        Line(line.TrimEnd());
    }

    private void Line(string text) => _console.Out.Write(text + "\n");

    private static string Needs(PatchInfo info) => info.Needs.Count == 0 ? "-" : string.Join(", ", info.Needs);

    private static string Needs(KernelChangeInfo info) =>
        info.Needs.Count == 0 ? "-" : string.Join(", ", info.Needs.Select(need => need.Info().Name));

    private static string EraText(KernelChangeInfo info) =>
        info.Since is { } since ? EraWords.Word(since) + (since == Era.Linux61 ? "" : " and later") : "none";
}
