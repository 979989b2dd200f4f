// `clusterswap status`: a run on a cluster, seen from outside.
using System.CommandLine;
using ClusterSwap.Clustering;

namespace ClusterSwap.Cli.Nodes;

/// <summary>Asks a node how the run is that it works on.</summary>
internal sealed class StatusCommand
{
    private static readonly Option<string[]> JoinOption = new("--join")
    {
        Description = "A node of the cluster; may be repeated",
        HelpName = "HOST:PORT",
    };

    private static readonly Option<string?> BindOption =
        RunOptions.Text("--bind", "HOST[:PORT]", "The address by which the node reaches this process (default 127.0.0.1)");

    private readonly CliConsole _console;

    /// <summary>The command with what it writes to.</summary>
    public StatusCommand(CliConsole console)
    {
        _console = console;
        Command = new Command("status", "Tell how a run on a cluster is");
        Command.Options.Add(JoinOption);
        Command.Options.Add(BindOption);
        ClusterAccess.AddTo(Command);
        Command.SetAction(Run);
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    private int Run(ParseResult parsed)
    {
        var join = parsed.GetValue(JoinOption) ?? [];
        if (join.Length == 0)
        {
            throw new UsageException("status needs a node to ask: --join HOST:PORT");
        }

        var bind = NodeAddress.Parse(parsed.GetValue(BindOption) ?? "127.0.0.1", "--bind");
        var access = ClusterAccess.From(parsed);
        try
        {
            var status = StatusProbe.Ask(new NodeHostOptions
            {
                Bind = bind.Host,
                Port = bind.Port,
                SeedNodes = join,
                Roles = [],
                Program = Invocation.Version,
                Hocon = access.Hocon,
                Tls = access.Tls,
                JoinPatience = TimeSpan.FromSeconds(10),
            });
            foreach (var line in StatusText.Lines(status))
            {
                _console.Out.WriteLine(line);
            }

            return ExitStatus.Success;
        }
        catch (ClusterRunException e)
        {
            throw new UsageException(e.Message);
        }
    }
}
