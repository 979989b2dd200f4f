// The receiver: reads replies, finds their requests by handle, and completes these.
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

public sealed partial class NbdDevice
{
    private static readonly uint[] NoStamps = [];

    private void RunReceiver()
    {
        if (Socket.Owner == ReceiverTask)
        {
            Release(_receiver);
        }

        if (State.Failed)
        {
            EndClient();
            return;
        }

        if (State.ReceiverPhase == ReceiverPhase.WaitForSend && !EndWaitForSend())
        {
            _receiver.SleepOn(WaitKind.Work);
            return;
        }

        var wanted = State.ReceiverPhase == ReceiverPhase.Header ? NbdWire.ReplyBytes : 1;
        if (Tcp.Readable < wanted)
        {
            _receiver.SleepOn(WaitKind.SocketData);
            return;
        }

        if (!TryOwn(ReceiverTask))
        {
            _receiver.SleepOn(WaitKind.SocketLock);
            return;
        }

        _receiver.SystemNs += _cost.SyscallNs;
        ReadWhatIsThere();
        FlushFreed(_receiver.Cpu);
        _receiver.EndPart();
    }

    private void ReadWhatIsThere()
    {
        var budget = SectionBytes;
        while (budget > 0)
        {
            if (State.ReceiverPhase == ReceiverPhase.Header)
            {
                if (Tcp.Readable < NbdWire.ReplyBytes)
                {
                    return;
                }

                ReadHeader();
                budget -= NbdWire.ReplyBytes;
                continue;
            }

            if (State.ReceiverPhase == ReceiverPhase.WaitForSend)
            {
                return;
            }

            var bytes = Math.Min(Math.Min(Tcp.Readable, State.ReceiveLeft), budget);
            if (bytes == 0)
            {
                return;
            }

            ReadBytes(bytes);
            budget -= bytes;
            State.ReceiveLeft -= bytes;
            _receiver.SystemNs += _cost.ReceiveCopyNs * (long)bytes / BlockRequest.PageBytes;
            if (State.ReceiveLeft == 0)
            {
                CompleteRead();
            }
        }
    }

    private void ReadHeader()
    {
        ReadBytes(NbdWire.ReplyBytes);
        var record = TakeRecord();
        var error = NbdWire.ReadReply(record.Bytes, out var reply);
        if (error != NbdWireError.None || State.Queue.Find(reply.Handle) is not { } request)
        {
            throw new InvalidOperationException($"nbd: reply is wrong ({error}, handle {reply.Handle:x})");
        }

        TraceNbd(TraceEvent.nbd_header_received, _receiver.Cpu, request.Tag, request.Handle);
        State.Receiving = request.Tag;
        State.ReceivedError = reply.Error != 0;
        if (request.Tag == State.Sending)
        {
            State.ReceiverPhase = ReceiverPhase.WaitForSend;
            return;
        }

        AfterHeader(request);
    }

    private void AfterHeader(BlockRequest request)
    {
        _receiver.SystemNs += _cost.RequestNs / 2;
        if (request.Write || State.ReceivedError)
        {
            State.ReceiverPhase = ReceiverPhase.Header;
            State.Receiving = -1;
            TraceNbd(TraceEvent.nbd_payload_received, _receiver.Cpu, request.Tag, request.Handle);
            if (State.ReceivedError)
            {
                FailRequest(request, _receiver.Cpu);
                return;
            }

            Complete(request, NoStamps, _receiver.Cpu);
            return;
        }

        State.ReceiverPhase = ReceiverPhase.Data;
        State.ReceiveLeft = request.LengthBytes;
    }

    private bool EndWaitForSend()
    {
        if (State.Receiving == State.Sending)
        {
            return false;
        }

        AfterHeader(State.Queue[State.Receiving]);
        return true;
    }

    private void CompleteRead()
    {
        var request = State.Queue[State.Receiving];
        var stamps = TakeRecord().Stamps ?? [];
        if (stamps.Length != request.Count)
        {
            throw new InvalidOperationException($"nbd: {request.Count} pages asked, {stamps.Length} came");
        }

        State.ReceiverPhase = ReceiverPhase.Header;
        State.Receiving = -1;
        TraceNbd(TraceEvent.nbd_payload_received, _receiver.Cpu, request.Tag, request.Handle);
        Complete(request, stamps, _receiver.Cpu);
    }

    private StreamRecord TakeRecord() => Socket.In.TryRead(Tcp.RcvNxt, out var record)
        ? record
        : throw new InvalidOperationException($"nbd: no meaning known of the bytes before {Tcp.CopiedSeq}");

    private void ReadBytes(int bytes)
    {
        var freed = Socket.ReceiveQueue.Read(bytes, _freeSkbs);
        _fx.Clear();
        Tcp.Read(bytes, freed, Host.NowNs, ref _fx);
        After(_receiver, State.Receiver.Flags | SocketRules.NbdTransmit(Socket.Flags).Task, AllocContext.Task);
    }
}
