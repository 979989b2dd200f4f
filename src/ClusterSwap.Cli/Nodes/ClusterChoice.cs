// The options by which a command works with a cluster.
using System.CommandLine;
using System.Globalization;
using Akka.Configuration;
using ClusterSwap.Clustering;

namespace ClusterSwap.Cli.Nodes;

/// <summary>Certificates and Akka configuration: what every command that joins a cluster can be told.</summary>
public sealed record ClusterAccess
{
    private static readonly Option<string?> CertificateOption =
        RunOptions.Text("--tls-cert", "FILE", "This node's certificate, PEM");

    private static readonly Option<string?> KeyOption =
        RunOptions.Text("--tls-key", "FILE", "The key of --tls-cert, PEM");

    private static readonly Option<string?> AuthorityOption =
        RunOptions.Text("--tls-ca", "FILE", "The authority whose certificates all nodes of the cluster have, PEM");

    private static readonly Option<string?> HoconOption =
        RunOptions.Text("--hocon", "FILE", "Akka configuration over the program's own (hocon/cluster.conf)");

    /// <summary>Certificates; null on loopback only.</summary>
    public ClusterTls? Tls { get; init; }

    /// <summary>Configuration over the program's own.</summary>
    public Config Hocon { get; init; } = Config.Empty;

    /// <summary>The same options for a process that is started by this one.</summary>
    public IReadOnlyList<string> Arguments { get; init; } = [];

    /// <summary>Adds the options to a command.</summary>
    public static void AddTo(Command command)
    {
        command.Options.Add(CertificateOption);
        command.Options.Add(KeyOption);
        command.Options.Add(AuthorityOption);
        command.Options.Add(HoconOption);
    }

    /// <summary>Reads a parsed command line.</summary>
    /// <exception cref="UsageException">A file is missing or cannot be used.</exception>
    public static ClusterAccess From(ParseResult parsed)
    {
        Option<string?>[] files = [CertificateOption, KeyOption, AuthorityOption];
        var given = files.Where(option => parsed.GetValue(option) is not null).ToArray();
        if (given.Length is not 0 and not 3)
        {
            throw new UsageException(
                $"--tls-cert, --tls-key and --tls-ca go together: {files.Except(given).First().Name} is missing");
        }

        Option<string?>[] all = [.. files, HoconOption];
        return new ClusterAccess
        {
            Tls = given.Length == 0
                ? null
                : ClusterTls.Load(
                    parsed.GetValue(CertificateOption)!, parsed.GetValue(KeyOption)!, parsed.GetValue(AuthorityOption)!),
            Hocon = HoconOf(parsed.GetValue(HoconOption)),
            Arguments = [.. all.Where(option => parsed.GetValue(option) is not null)
                .SelectMany(option => new[] { option.Name, Path.GetFullPath(parsed.GetValue(option)!) })],
        };
    }

    private static Config HoconOf(string? file)
    {
        try
        {
            return file is null ? Config.Empty : ConfigurationFactory.ParseString(File.ReadAllText(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new UsageException($"--hocon: \"{file}\" cannot be used: {e.Message}");
        }
    }
}

/// <summary>On which nodes `run` runs.</summary>
public sealed record ClusterChoice
{
    private static readonly Option<string?> NodesOption =
        RunOptions.Text("--nodes", "N", "Run on N processes of this machine; with --join, wait for N nodes (default 1)");

    private static readonly Option<string[]> JoinOption = new("--join")
    {
        Description = "Run on the nodes of the cluster that this one belongs to; may be repeated",
        HelpName = "HOST:PORT",
    };

    private static readonly Option<string?> BindOption =
        RunOptions.Text("--bind", "HOST[:PORT]", "With --join: the address by which nodes reach this process (default 127.0.0.1)");

    /// <summary>Nodes, this process included when it starts them.</summary>
    public required int Nodes { get; init; }

    /// <summary>Nodes of a cluster to join; empty to start one.</summary>
    public required IReadOnlyList<string> Join { get; init; }

    /// <summary>Where this process listens.</summary>
    public required NodeAddress Bind { get; init; }

    /// <summary>Certificates and configuration.</summary>
    public required ClusterAccess Access { get; init; }

    /// <summary>Adds the options to a command.</summary>
    public static void AddTo(Command command)
    {
        command.Options.Add(NodesOption);
        command.Options.Add(JoinOption);
        command.Options.Add(BindOption);
        ClusterAccess.AddTo(command);
    }

    /// <summary>Reads a parsed command line; null when the run stays in this process.</summary>
    /// <exception cref="UsageException">Options contradict each other.</exception>
    public static ClusterChoice? From(ParseResult parsed)
    {
        var nodes = RunOptions.Integer(parsed, NodesOption, 1, 256);
        var join = parsed.GetValue(JoinOption) ?? [];
        var access = ClusterAccess.From(parsed);
        if (nodes is null && join.Length == 0)
        {
            return access.Arguments.Count == 0 && parsed.GetValue(BindOption) is null
                ? null
                : throw new UsageException("--bind, --tls-* and --hocon are for runs on nodes: --nodes or --join is missing");
        }

        if (join.Length == 0 && parsed.GetValue(BindOption) is not null)
        {
            throw new UsageException("--bind goes with --join: nodes that run starts itself stay on 127.0.0.1");
        }

        return new ClusterChoice
        {
            Nodes = (int)(nodes ?? 1),
            Join = join,
            Bind = NodeAddress.Parse(parsed.GetValue(BindOption) ?? "127.0.0.1", "--bind"),
            Access = access,
        };
    }

    /// <summary>The options again, for the command that repeats a run.</summary>
    public IEnumerable<string> Words()
    {
        if (Nodes > 1 || Join.Count == 0)
        {
            yield return NodesOption.Name;
            yield return Nodes.ToString(CultureInfo.InvariantCulture);
        }

        foreach (var seed in Join)
        {
            yield return JoinOption.Name;
            yield return seed;
        }
    }
}

/// <summary>An address and a port.</summary>
/// <param name="Host">The address.</param>
/// <param name="Port">The port; 0 for any that is free.</param>
public sealed record NodeAddress(string Host, int Port)
{
    /// <summary>Reads <c>HOST</c> or <c>HOST:PORT</c>.</summary>
    /// <exception cref="UsageException">It is neither.</exception>
    public static NodeAddress Parse(string text, string option)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0 && text.Length > 0)
        {
            return new NodeAddress(text, 0);
        }

        return colon > 0 && int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port <= ushort.MaxValue
            ? new NodeAddress(text[..colon], port)
            : throw new UsageException($"{option}: not allowed. Found: \"{text}\". Allowed: HOST or HOST:PORT.");
    }
}
