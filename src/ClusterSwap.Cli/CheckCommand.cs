// `clusterswap check`: is a scenario right?
using System.CommandLine;
using System.Globalization;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Cli;

/// <summary>Checks scenarios in all their variants, or prints one resolved.</summary>
internal sealed class CheckCommand
{
    private readonly CliConsole _console;

    private readonly Argument<string[]> _files = new("SCENARIO")
    {
        Description = "Scenario files, such as config/quick.toml",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private readonly Option<string?> _variant =
        new("--variant") { Description = "Only this variant; without it, all of them", HelpName = "V" };

    private readonly Option<string[]> _set = new("--set")
    {
        Description = "Another value for a key of the scenario, such as blade.passes=1; may be repeated",
        HelpName = "path=value",
    };

    private readonly Option<bool> _print =
        new("--print") { Description = "Print the resolved scenario: every value explicit" };

    /// <summary>The command on <paramref name="console"/>.</summary>
    public CheckCommand(CliConsole console)
    {
        _console = console;
        Command = new Command("check", "Check scenarios without running them") { _files, _variant, _set, _print };
        Command.SetAction(Check);
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    private int Check(ParseResult parsed)
    {
        var files = parsed.GetValue(_files) ?? [];
        if (files.Length == 0)
        {
            throw new UsageException("check needs a scenario file, such as config/quick.toml");
        }

        var problems = new List<ScenarioProblem>();
        foreach (var path in files)
        {
            try
            {
                CheckFile(parsed, ScenarioFile.Load(path), problems);
            }
            catch (ScenarioException e)
            {
                problems.AddRange(e.Problems);
            }
        }

        // A wrong value of the file itself is wrong in each of its variants.
        return problems.Count == 0
            ? ExitStatus.Success
            : throw new ScenarioException(problems.Distinct().ToArray());
    }

    private void CheckFile(ParseResult parsed, ScenarioFile file, List<ScenarioProblem> problems)
    {
        var one = parsed.GetValue(_variant);
        var print = parsed.GetValue(_print);
        var variants = one is not null ? [one] : print ? [Scenario.BaseVariant] : file.Variants.ToArray();
        foreach (var variant in variants)
        {
            try
            {
                var scenario = file.Resolve(variant, parsed.GetValue(_set));
                _console.Out.Write(print ? scenario.ToToml() : Line(file, variant, scenario));
                foreach (var notice in print ? [] : scenario.Notices)
                {
                    _console.Out.Write($"{file.Path}: {variant}: note: {notice}\n");
                }
            }
            catch (ScenarioException e)
            {
                problems.AddRange(e.Problems);
            }
        }
    }

    private static string Line(ScenarioFile file, string variant, Scenario scenario)
    {
        var ram = scenario.Blades.Sum(group => group.RamPages * group.Count);
        var mapping = scenario.Blades.Sum(group => group.MappingPages * group.Count);
        var processes = scenario.Blades.Sum(group => group.Processes * group.Count);
        return string.Create(CultureInfo.InvariantCulture,
            $"{file.Path}: {variant}: ok, {Count(scenario.BladeCount, "blade")}, "
            + $"{Count(scenario.Servers.Count, "server")}, {Count(processes, "process", "es")}, "
            + $"RAM {Units.Pages(ram)}, mapping {Units.Pages(mapping)}\n");
    }

    private static string Count(int count, string noun, string plural = "s") =>
        $"{count} {noun}{(count == 1 ? "" : plural)}";
}
