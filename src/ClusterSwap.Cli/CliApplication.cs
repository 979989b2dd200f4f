// The commands of the program and the errors that all of them share.
using System.CommandLine;
using System.CommandLine.Parsing;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Comparing;
using ClusterSwap.Cli.Exploring;
using ClusterSwap.Cli.Nodes;
using ClusterSwap.Cli.Replaying;
using ClusterSwap.Cli.Runs;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli;

/// <summary>The program <c>clusterswap</c>. Nothing in it reads the console or the clock but through its
/// arguments.</summary>
/// <param name="runner">Runs scenarios.</param>
/// <param name="console">Where it writes.</param>
/// <param name="clock">Wall clock.</param>
/// <param name="input">What the user types.</param>
/// <param name="journal">Names the database of journals instead of the environment.</param>
public sealed class CliApplication(
    IRunner runner, CliConsole console, TimeProvider clock, TextReader? input = null, string? journal = null)
{
    /// <summary>Runs one command line and returns the exit status.</summary>
    /// <param name="args">Arguments without the program's name.</param>
    /// <param name="stop">Cancelled when the user wants to stop.</param>
    public int Run(string[] args, CancellationToken stop = default)
    {
        var run = new RunCommand(runner, console, clock, stop, Database);
        var node = new NodeCommand(console, stop).Command;
        var root = new RootCommand("Simulates diskless blades that swap over the network block device.")
        {
            run.Command,
            new ReplayCommand(console, clock, stop, Database, run.Resume).Command,
            new RunsCommand(console, Database, input ?? Console.In).Command,
            new CheckCommand(console).Command,
            new ExploreCommand(console, clock, stop).Command,
            new CompareCommand(runner, console, clock, stop).Command,
            new PatchesCommand(console).Command,
            node,
            new StatusCommand(console).Command,
        };
        root.SetAction(_ => args.Length == 0 ? Show(root) : ExitStatus.Success);
        args = NodeEnvironment.With(args, node, Environment.GetEnvironmentVariable);
        try
        {
            // A response file would make an argument that begins with @ read a file.
            var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
            if (parsed.Action is null or not System.CommandLine.Help.HelpAction && parsed.Errors.Count > 0)
            {
                throw new UsageException(Explain(parsed));
            }

            return parsed.Invoke(new InvocationConfiguration
            {
                Output = console.Out,
                Error = console.Error,
                EnableDefaultExceptionHandler = false,
                ProcessTerminationTimeout = null,
            });
        }
        catch (UsageException e)
        {
            console.Error.WriteLine("clusterswap: " + e.Message);
            return ExitStatus.Usage;
        }
        catch (JournalException e)
        {
            console.Error.WriteLine("clusterswap: " + e.Message);
            return ExitStatus.Usage;
        }
        catch (JournalDamageException e)
        {
            console.Error.WriteLine("clusterswap: " + e.Message);
            return ExitStatus.Damaged;
        }
        catch (ScenarioException e)
        {
            foreach (var problem in e.Problems)
            {
                console.Error.WriteLine(problem.ToString());
            }

            return ExitStatus.Usage;
        }
    }

    private JournalStore? Database() =>
        RunJournal.Database(journal ?? Environment.GetEnvironmentVariable(RunJournal.Variable));

    private int Show(RootCommand root)
    {
        root.Parse("--help").Invoke(new InvocationConfiguration { Output = console.Out, Error = console.Error });
        return ExitStatus.Usage;
    }

    // What is wrong with a command line, and the nearest that would be right.
    private static string Explain(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens.Count == 0)
        {
            return parsed.Errors[0].Message + $" See clusterswap {Trail(command)}--help.";
        }

        var typed = parsed.UnmatchedTokens[0];
        var isOption = typed.StartsWith('-');
        var known = isOption
            ? Options(parsed.CommandResult).Select(option => option.Name).ToArray()
            : command.Subcommands.Select(sub => sub.Name).ToArray();
        var kind = isOption ? "option" : known.Length > 0 ? "command" : "argument";
        var name = isOption ? typed.Split('=')[0] : typed;
        var meant = Nearest.Name(name, known);
        return (kind == "argument" ? $"one argument too many: \"{typed}\"." : $"unknown {kind} \"{name}\".")
            + (known.Length == 0 ? "" : $" Allowed: {string.Join(", ", known.Order(StringComparer.Ordinal))}.")
            + (meant is null ? "" : $" Did you mean {meant}?");
    }

    private static IEnumerable<Option> Options(CommandResult result)
    {
        for (SymbolResult? at = result; at is not null; at = at.Parent)
        {
            foreach (var option in (at as CommandResult)?.Command.Options ?? [])
            {
                if (at == result || option.Recursive)
                {
                    yield return option;
                }
            }
        }
    }

    private static string Trail(Command command) => command is RootCommand ? "" : command.Name + " ";
}
