// What a node tells at the end of its part.
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using SimulatedCluster = ClusterSwap.Blades.Cluster;

namespace ClusterSwap.Clustering;

internal sealed partial class NodeRun
{
    private void SendReport(SimulatedCluster cluster, SimulationResult result, ClusterWatch watch)
    {
        // Short runs never come to the interval; no report leaves without having been looked over.
        cluster.Simulation.AssertInvariants();
        Conservation.Check(cluster);
        var sent = RunReports.SentElsewhere(cluster);
        _outbox.Send(EpochPost.Coordinator, new FinalReport
        {
            SentPlaces = [.. sent.Select(one => one.Place)],
            SentCounters = [.. sent.Select(one => one.Counters)],
            Totals = TotalsOf(cluster.Simulation),
            Places = [.. cluster.Blades.Index().Where(blade => cluster.Simulation.IsLocal(blade.Item.Host))
                .Select(blade => blade.Index)],
            Blades = [.. RunReports.BladesOf(cluster, result.TimeNs, watch)],
            LookaheadNs = result.Statistics.LookaheadNs == long.MaxValue ? 0 : result.Statistics.LookaheadNs,
            LookaheadLink = result.Statistics.LimitingEdge,
        });
    }

    private void SendFault(Exception error, Simulation? simulation)
    {
        var fault = (error as SimulationFaultException)?.Fault;
        _outbox.Send(EpochPost.Coordinator, new NodeFault
        {
            TimeNs = fault?.TimeNs ?? (error as FaultElsewhereException)?.TimeNs ?? simulation?.TimeNs ?? 0,
            HostId = error is FaultElsewhereException ? int.MaxValue : fault?.HostId ?? 0,
            IsSafety = simulation is not null && (error is InvalidOperationException
                || (error is SimulationFaultException && error.InnerException is InvalidOperationException)),
            Text = error.Message,
            Totals = simulation is null ? HostTotals.None : TotalsOf(simulation),
        });
    }

    private static HostTotals TotalsOf(Simulation simulation)
    {
        int[] hosts = [.. Enumerable.Range(0, simulation.HostCount).Where(simulation.IsLocal)];
        return new HostTotals
        {
            Hosts = hosts,
            Low = [.. hosts.Select(host => (ulong)simulation.HostFingerprint(host))],
            High = [.. hosts.Select(host => (ulong)(simulation.HostFingerprint(host) >> 64))],
            Messages = simulation.Messages,
            Events = simulation.Events,
            TimeNs = simulation.TimeNs,
        };
    }
}
