// Figures of a node for OpenTelemetry.
using System.Diagnostics.Metrics;

namespace ClusterSwap.Clustering;

/// <summary>Instruments that read a node when somebody collects them.</summary>
public sealed class RunMetrics : IDisposable
{
    /// <summary>Name of the meter.</summary>
    public const string MeterName = "ClusterSwap";

    private readonly Meter _meter = new(MeterName);

    /// <summary>The instruments of a node.</summary>
    public RunMetrics(NodeHost node)
    {
        NodeFigures Now() => node.State.Run?.Figures ?? default;
        _meter.CreateObservableGauge(
            "clusterswap.virtual_time", () => Now().VirtualNs / 1e9, "s", "Virtual time of the last barrier");
        _meter.CreateObservableCounter("clusterswap.messages", () => Now().Messages, "{message}", "Messages of this epoch");
        _meter.CreateObservableCounter("clusterswap.windows", () => Now().Windows, "{window}", "Windows with other nodes");
        _meter.CreateObservableCounter(
            "clusterswap.window_wait", () => Now().AwaySeconds, "s", "Time spent waiting for other nodes");
        _meter.CreateObservableCounter("clusterswap.window_bytes", () => Now().SentBytes, "By", "Sent to other nodes");
        _meter.CreateObservableGauge("clusterswap.partitions", () => Now().Partitions, "{partition}", "Partitions here");
        _meter.CreateObservableGauge(
            "clusterswap.journal_lag", () => Now().JournalBytes, "By", "Recorded here and not with the coordinator yet");
        _meter.CreateObservableGauge("clusterswap.epoch", () => Now().Epoch, null, "Epoch of the run");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}

/// <summary>How a node's part of a run is; all 0 without a run.</summary>
/// <param name="Epoch">The epoch.</param>
/// <param name="VirtualNs">Virtual time of the last barrier, ns.</param>
/// <param name="Messages">Messages of its hosts.</param>
/// <param name="Windows">Windows in which other nodes were waited for.</param>
/// <param name="AwaySeconds">Time spent so.</param>
/// <param name="SentBytes">Bytes of windows sent.</param>
/// <param name="Partitions">Partitions that it has.</param>
/// <param name="JournalBytes">Bytes for the coordinator that it does not have yet.</param>
internal readonly record struct NodeFigures(
    int Epoch, long VirtualNs, long Messages, long Windows, double AwaySeconds, long SentBytes, int Partitions,
    long JournalBytes);
