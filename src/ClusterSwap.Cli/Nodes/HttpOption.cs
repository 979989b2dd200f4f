// Where a process tells how it is.
using System.CommandLine;

namespace ClusterSwap.Cli.Nodes;

/// <summary>The option <c>--http</c>.</summary>
internal static class HttpOption
{
    /// <summary>The option.</summary>
    public static Option<string?> Option { get; } = RunOptions.Text(
        "--http", "HOST:PORT", "Serve /health, /ready and /metrics (Prometheus) there; none by default");

    /// <summary>The address; null without one.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static NodeAddress? From(ParseResult parsed)
        => parsed.GetValue(Option) is { } text ? NodeAddress.Parse(text, "--http") : null;
}
