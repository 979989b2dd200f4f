// Faults of a server's process: it stands still, or takes longer.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Actors;

public sealed partial class NbdServer
{
    private bool IsStalled
    {
        get
        {
            foreach (var fault in State.ActiveFaults)
            {
                if (_faults.Of(fault).Effect is ServerStallEffect)
                {
                    return true;
                }
            }

            return false;
        }
    }

    private long AddedDelayNs(bool write)
    {
        long ns = 0;
        foreach (var fault in State.ActiveFaults)
        {
            ns += _faults.Of(fault).Effect is ServerDelayEffect delay && Concerns(delay.Operations, write)
                ? delay.DelayNs
                : 0;
        }

        return ns;
    }

    private static bool Concerns(FaultOperations operations, bool write) =>
        operations == FaultOperations.Both || operations == FaultOperations.Write == write;

    private void OnFaultBegins(FaultBegins begins)
    {
        _faults.ScheduleNext(begins);
        _faults.Begin(begins, State.ActiveFaults);
    }

    private void OnFaultEnds(FaultEnds ends)
    {
        _faults.End(ends, State.ActiveFaults);
        for (var connection = 0; connection < State.Clients.Length && !IsStalled; connection++)
        {
            var client = State.Clients[connection];
            if (client.ServedInStall)
            {
                client.ServedInStall = false;
                OnServed(connection, client);
            }
            else
            {
                Advance(connection, client);
            }
        }
    }
}
