// `clusterswap node`: a process that runs partitions for whoever coordinates a run.
using System.CommandLine;
using ClusterSwap.Clustering;
using Serilog;
using Serilog.Core;
using Serilog.Extensions.Logging;

namespace ClusterSwap.Cli.Nodes;

/// <summary>Joins a cluster and works until it is asked to end, or is declared dead.</summary>
internal sealed class NodeCommand
{
    private static readonly Option<string[]> SeedNodeOption = new("--seed-node")
    {
        Description = "A node of the cluster to join; without it, this is the first of a new one; may be repeated",
        HelpName = "HOST:PORT",
    };

    private static readonly Option<string?> BindOption =
        RunOptions.Text("--bind", "HOST[:PORT]", "Where to listen, and how others reach it (default 127.0.0.1, any free port)");

    private static readonly Option<string[]> RoleOption = new("--role")
    {
        Description = "A role in the cluster; \"worker\" runs partitions, and is the default; may be repeated",
        HelpName = "NAME",
    };

    private static readonly Option<string?> ReadyFileOption =
        RunOptions.Text("--ready-file", "FILE", "Written, with the node's address, when it is a member of the cluster");

    private static readonly Option<string?> LogOption =
        RunOptions.Text("--log", "FORM", "Form of the log: text (default) or json, one compact object a line");

    private static readonly Option<string?> LogFileOption =
        RunOptions.Text("--log-file", "FILE", "The log goes there instead of standard output");

    private static readonly Option<bool> WithParentOption = new("--with-parent")
    {
        Description = "End when standard input is closed, and leave Ctrl-C to whoever closes it",
        Hidden = true,
    };

    private readonly CliConsole _console;
    private readonly CancellationToken _stop;

    /// <summary>The command with what it runs on.</summary>
    public NodeCommand(CliConsole console, CancellationToken stop)
    {
        _console = console;
        _stop = stop;
        Command = new Command("node", "Take part in runs on several machines");
        foreach (var option in new Option[]
                 {
                     SeedNodeOption, BindOption, RoleOption, ReadyFileOption, HttpOption.Option, LogOption, LogFileOption,
                     WithParentOption,
                 })
        {
            Command.Options.Add(option);
        }

        ClusterAccess.AddTo(Command);
        Command.SetAction(Run);
    }

    /// <summary>The command as the parser wants it.</summary>
    public Command Command { get; }

    private int Run(ParseResult parsed)
    {
        var bind = NodeAddress.Parse(parsed.GetValue(BindOption) ?? "127.0.0.1", "--bind");
        var access = ClusterAccess.From(parsed);
        var roles = parsed.GetValue(RoleOption) ?? [];
        var http = HttpOption.From(parsed);
        using var log = OpenLog(parsed);
        using var logs = new SerilogLoggerProvider(log);
        try
        {
            using var node = NodeHost.Start(new NodeHostOptions
            {
                Bind = bind.Host,
                Port = bind.Port,
                Roles = roles.Length == 0 ? [NodeHost.WorkerRole] : roles,
                SeedNodes = parsed.GetValue(SeedNodeOption) ?? [],
                Program = Invocation.Version,
                Hocon = access.Hocon,
                Tls = access.Tls,
                Log = logs,
            });
            using var health = http is null ? null : NodeHealth.Start(node, http.Host, http.Port);
            log.Information("Node {Address} is a member of its cluster", node.Address);
            using var ready = ReadyFile(parsed.GetValue(ReadyFileOption), node.Address);
            return Work(node, parsed.GetValue(WithParentOption), log);
        }
        catch (ClusterRunException e)
        {
            log.Fatal("{Reason}", e.Message);
            throw new UsageException(e.Message);
        }
    }

    /// <summary>Waits for the end: of the node, of the parent, or because somebody asked for it.</summary>
    private int Work(NodeHost node, bool withParent, Logger log)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(withParent ? default : _stop);
        if (withParent)
        {
            var watch = new Thread(() => AwaitEndOfInput(end)) { IsBackground = true, Name = "parent" };
            watch.Start();
        }

        Task.WaitAny(node.Ended, Task.Delay(Timeout.Infinite, end.Token));
        if (node.Ended.IsCompleted)
        {
            log.Fatal("The cluster has declared this node dead: it ends, so that its partitions have one owner");
            return ExitStatus.Lost;
        }

        if (!withParent)
        {
            log.Information("Asked to end: the node hands its partitions over and leaves");
            node.HandOver(TimeSpan.FromSeconds(60));
            node.Leave();
        }

        return ExitStatus.Success;
    }

    // Nothing is ever written there: it ends when its writer does.
    private static void AwaitEndOfInput(CancellationTokenSource end)
    {
        using var input = Console.OpenStandardInput();
        while (input.ReadByte() >= 0)
        {
        }

        end.Cancel();
    }

    private Logger OpenLog(ParseResult parsed)
    {
        var form = parsed.GetValue(LogOption) ?? "text";
        if (form is not "text" and not "json")
        {
            throw new UsageException($"--log: no such form. Found: \"{form}\". Allowed: text, json.");
        }

        return NodeLog.Open(_console.Out, parsed.GetValue(LogFileOption), form == "json");
    }

    private static TemporaryMark? ReadyFile(string? path, string address)
    {
        try
        {
            return path is null ? null : new TemporaryMark(path, address);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--ready-file: \"{path}\" cannot be written: {e.Message}");
        }
    }

    /// <summary>A file that is there, whole, as long as the node is.</summary>
    private sealed class TemporaryMark : IDisposable
    {
        private readonly string _path;

        public TemporaryMark(string path, string text)
        {
            _path = path;
            File.WriteAllText(path + ".tmp", text + "\n");
            File.Move(path + ".tmp", path, overwrite: true);
        }

        public void Dispose() => File.Delete(_path);
    }
}
