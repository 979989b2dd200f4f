// Faults of a server's process: it stands still, takes longer, answers with errors, or dies.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Actors;

public sealed partial class NbdServer
{
    private const int Million = 1_000_000;

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

    // The error filter looks before anything is done.
    private uint DrawError(bool write)
    {
        uint error = 0;
        foreach (var fault in State.ActiveFaults)
        {
            if (_faults.Of(fault).Effect is ServerErrorEffect effect && Concerns(effect.Operations, write)
                && Host.NextRandom(Million) < effect.PerMillion)
            {
                error = NbdWire.IoError;
            }
        }

        return error;
    }

    private static bool Concerns(FaultOperations operations, bool write) =>
        operations == FaultOperations.Both || operations == FaultOperations.Write == write;

    private void OnFaultBegins(FaultBegins begins)
    {
        _faults.ScheduleNext(begins);
        _faults.Begin(begins, State.ActiveFaults);
        if (_faults.Of(begins.Fault).Effect is ServerRestartEffect)
        {
            for (var connection = 0; connection < State.Clients.Length; connection++)
            {
                Kill(connection, State.Clients[connection]);
            }
        }
    }

    /// <summary>The kernel closes the sockets of a dead process. Unread data is there or soon will be: RST.</summary>
    private void Kill(int connection, ServerClient client)
    {
        if (!client.Gone)
        {
            Drop(client);
            AnswerWithReset(connection, client);
        }
    }

    private static void Drop(ServerClient client)
    {
        client.Gone = true;
        client.ServedInStall = false;
        client.Tcp.Close();
        client.In = new ByteStream();
        client.Out = new ByteStream();
    }

    private void AnswerWithReset(int connection, ServerClient client)
    {
        var frame = new Frame
        {
            Source = Host.HostId,
            Destination = client.Host,
            Connection = connection,
            Segment = new TcpSegment
            {
                Seq = client.Tcp.SndNxt,
                Ack = client.Tcp.RcvNxt,
                Segments = 1,
                Flags = TcpSegmentFlags.Reset,
            },
        };
        Host.Send(_output, new Transmit(frame, SkBuff.None, hasSkb: false));
    }

    private void OnFaultEnds(FaultEnds ends)
    {
        _faults.End(ends, State.ActiveFaults);
        for (var connection = 0; connection < State.Clients.Length && !IsStalled; connection++)
        {
            var client = State.Clients[connection];
            if (client.Gone)
            {
                continue;
            }

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
