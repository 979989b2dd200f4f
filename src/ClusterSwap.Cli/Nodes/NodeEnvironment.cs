// Options of `node` from the environment, for units and containers.
using System.CommandLine;

namespace ClusterSwap.Cli.Nodes;

/// <summary>
/// Whatever <c>node</c> is told on its command line it may be told by a variable: <c>--seed-node</c> by
/// <c>CLUSTERSWAP_NODE_SEED_NODE</c>, several values with commas. The command line wins.
/// </summary>
internal static class NodeEnvironment
{
    private const string Prefix = "CLUSTERSWAP_NODE_";

    /// <summary>The arguments with those of the environment behind them.</summary>
    /// <param name="args">Arguments, the command's name first.</param>
    /// <param name="command">The command that has the options.</param>
    /// <param name="variable">A variable of the environment by its name; null when it is not set.</param>
    public static string[] With(string[] args, Command command, Func<string, string?> variable)
    {
        if (args.Length == 0 || args[0] != command.Name)
        {
            return args;
        }

        var more = new List<string>();
        foreach (var option in command.Options.Where(option => !option.Hidden && !IsGiven(args, option.Name)))
        {
            var value = variable(NameOf(option.Name)) ?? "";
            var values = option.Arity.MaximumNumberOfValues > 1 ? value.Split(',') : [value];
            more.AddRange(values.Select(one => one.Trim()).Where(one => one.Length > 0)
                .SelectMany(one => new[] { option.Name, one }));
        }

        return [.. args, .. more];
    }

    /// <summary>Takes all such variables out of what a process is to be started with: they are meant for another node.</summary>
    public static void Clear(IDictionary<string, string?> environment)
    {
        foreach (var name in environment.Keys.Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).ToArray())
        {
            environment.Remove(name);
        }
    }

    /// <summary>The variable of an option.</summary>
    internal static string NameOf(string option) => Prefix + option.TrimStart('-').Replace('-', '_').ToUpperInvariant();

    private static bool IsGiven(string[] args, string option)
        => Array.Exists(args, word => word == option || word.StartsWith(option + "=", StringComparison.Ordinal));
}
