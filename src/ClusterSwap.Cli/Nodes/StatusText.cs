// A run on a cluster in words: for `status`, and for the progress line.
using System.Globalization;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Clustering;

namespace ClusterSwap.Cli.Nodes;

/// <summary>Writes what a coordinator tells.</summary>
internal static class StatusText
{
    /// <summary>The answer of `status`.</summary>
    public static IEnumerable<string> Lines(RunStatus status)
    {
        if (status.RunId.Length == 0)
        {
            yield return "no run";
            yield break;
        }

        yield return $"run         {status.RunId}, epoch {status.Epoch}, {status.Phase}";
        yield return Invariant($"virtual     {Seconds(status.VirtualNs)}, {status.DonePerMille / 10} % done");
        yield return Invariant($"messages    {status.Messages:N0}");
        yield return $"windows     {Window(status)}";
        yield return $"checkpoint  {(status.CheckpointNs < 0 ? "none yet" : Seconds(status.CheckpointNs))}";
        foreach (var node in status.Nodes)
        {
            yield return Invariant(
                $"node        {node.Address}: {node.Partitions:N0} partitions, {node.Blades:N0} blades, ")
                + Invariant($"{node.Windows:N0} windows, waiting {node.AwayPerMille / 10} %, ")
                + Invariant($"{Megabytes(node.SentBytes)} sent{(node.Reachable ? "" : ", not reachable")}");
        }
    }

    /// <summary>What the progress line adds.</summary>
    public static string Progress(RunStatus status)
    {
        if (status.Nodes.Length == 0)
        {
            return status.Phase.Length == 0 ? "" : $", {status.Phase}";
        }

        var partitions = string.Join('+', status.Nodes.Select(node => node.Partitions));
        var waiting = status.Nodes.Max(node => node.Partitions == 0 ? 0 : node.AwayPerMille) / 10;
        return Invariant($", nodes {status.Nodes.Length} (partitions {partitions}), window {Window(status)}, ")
            + Invariant($"waiting {waiting} %, {Megabytes(status.Nodes.Sum(node => node.SentBytes))} between nodes");
    }

    private static string Window(RunStatus status)
        => status.LookaheadNs == 0 ? "none: no link between partitions" : Units.Duration(status.LookaheadNs);

    private static string Seconds(long ns) => Invariant($"{ns / 1_000_000_000m:N2} s");

    private static string Megabytes(long bytes) => Invariant($"{bytes / 1_000_000m:N1} MB");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
