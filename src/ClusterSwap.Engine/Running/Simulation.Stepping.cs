// One event at a time: for visiting every state.
namespace ClusterSwap.Engine;

public sealed partial class Simulation
{
    private Partition? _stepping;

    /// <summary>
    /// Runs one event of the host that has the next one, with all that it leads to on that host at that instant, on the
    /// calling thread. Of several hosts with an event at the same time it is the first: what one does reaches another only
    /// later, so their order makes no difference. Only where time goes in steps; nothing may be quiet.
    /// </summary>
    public void StepEvent()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_running || _failed || TimeStepNs == 1 || LocalHosts.Length != Hosts.Length)
        {
            throw new InvalidOperationException(
                "events are run one by one only at rest, in one process, and where time goes in steps");
        }

        _stepping ??= new Partition(0, Hosts, this);
        _stepping.Adopt();
        HostContext next = Hosts[0];
        foreach (HostContext host in Hosts)
        {
            next = host.NextNs < next.NextNs ? host : next;
        }

        if (next.NextNs == long.MaxValue)
        {
            throw new InvalidOperationException("nothing is pending");
        }

        next.RunOneEvent();
        TimeNs = next.NowNs;
        ThrowOnTrouble();
    }
}
