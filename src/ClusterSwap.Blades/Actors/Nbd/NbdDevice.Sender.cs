// The sender thread: tx_lock, the socket, and tcp_sendmsg, which allocates with both held.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

public sealed partial class NbdDevice
{
    // Of the present section only.
    private int _sectionLeft;
    private bool _refused;

    private TaskFlags SendFlags => _sender.State.Flags | SocketRules.NbdTransmit(Socket.Flags).Task;

    private void RunSender()
    {
        _sectionLeft = _sectionBytes;
        _refused = false;
        if (State.Failed && State.SenderPhase != SenderPhase.Idle)
        {
            AbortSend();
            return;
        }

        if (State.SenderPhase == SenderPhase.Memory)
        {
            RequestTxMemory(pages: 1);
            return;
        }

        if (State.SenderPhase == SenderPhase.Push)
        {
            Push(more: State.SendLeft > 0);
            Release(_sender);
            State.SenderPhase = SenderPhase.Lock;
            if (State.SendLeft == 0)
            {
                EndSend();
                if (_multiQueue)
                {
                    UnlockTx();
                    return;
                }
            }
        }

        if (State.Closed && HasRequest(State.TxOwner))
        {
            FailIssued();
            return;
        }

        if (State.SenderPhase == SenderPhase.Idle && !TakeRequest())
        {
            if (_multiQueue)
            {
                // It got tx_lock, and then the connection was lost.
                UnlockTx();
            }
            else
            {
                _sender.SleepOn(WaitKind.Work);
            }

            return;
        }

        if (!TryOwn(State.TxOwner))
        {
            State.SenderPhase = SenderPhase.Lock;
            _sender.SleepOn(WaitKind.SocketLock);
            return;
        }

        Copy();
    }

    private bool TakeRequest()
    {
        if (!HasRequest(State.TxOwner))
        {
            return false;
        }

        State.Sending = TakeTag();
        var request = State.Queue[State.Sending];
        var header = new byte[NbdWire.RequestBytes];
        var command = request.Write ? NbdCommand.Write : NbdCommand.Read;
        NbdWire.WriteRequest(header, new NbdRequestHeader(
            command, request.Handle, (ulong)request.OffsetBytes, (uint)request.LengthBytes));
        TraceSent(TraceEvent.nbd_send_request, State.Sending);
        Socket.Out.Write(header);
        State.SendLeft = header.Length;
        if (request.Write)
        {
            Socket.Out.Write(request.Stamps.AsSpan(0, request.Count).ToArray(), request.LengthBytes);
            State.SendLeft += request.LengthBytes;
            State.Counters.Writes++;
            State.Counters.PagesWritten += request.Count;
        }
        else
        {
            State.Counters.Reads++;
            State.Counters.PagesRead += request.Count;
        }

        CountSender();
        _sender.SystemNs += _cost.RequestNs / 2;
        State.SenderPhase = SenderPhase.Lock;
        return true;
    }

    private void CountSender()
    {
        switch (State.TxOwner)
        {
            case BladeTasks.NbdSender:
                State.Counters.SentByWorker++;
                break;
            case BladeTasks.Kswapd:
                State.Counters.SentByKswapd++;
                break;
            default:
                State.Counters.SentByProcesses++;
                break;
        }
    }

    private void EndSend()
    {
        var tag = State.Sending;
        TraceSent(TraceEvent.nbd_payload_sent, tag);
        State.Sending = -1;
        State.SenderPhase = SenderPhase.Idle;
        if (State.ReceiverPhase == ReceiverPhase.WaitForSend && State.Receiving == tag)
        {
            _receiver.Wake();
        }
    }

    /// <summary>Copies until the section or the request ends, or until memory or room in the send buffer is
    /// missing.</summary>
    private void Copy()
    {
        var queue = Socket.SendQueue;
        while (true)
        {
            var wanted = Math.Min(State.SendLeft, _sectionLeft);
            if (wanted == 0)
            {
                EndCopy();
                return;
            }

            var need = queue.Need(Tcp.SndNxt);
            if (need == SendNeed.Page && State.GrantedPages.Count > 0)
            {
                queue.AddPage(State.GrantedPages.Take());
                need = SendNeed.None;
            }

            if (need == SendNeed.None)
            {
                var (bytes, trueSize) = queue.Copy(wanted);
                Tcp.ChargeSend(trueSize);
                Tcp.Append(bytes, trueSize);
                State.SendLeft -= bytes;
                if (_trace is not null)
                {
                    TraceHeader(State.SendLeft + bytes);
                }

                _sectionLeft -= bytes;
                _sender.SystemNs += _cost.SendPageNs * (long)bytes / BlockRequest.PageBytes;
                continue;
            }

            if (need == SendNeed.Skb && !Tcp.MemoryFree)
            {
                WaitForSpace();
                return;
            }

            if (_refused)
            {
                // Sends before the refused page are complete: they leave, and the next send asks anew.
                EndCopy();
                return;
            }

            BeginTxMemory(need, wanted);
            return;
        }
    }

    private void EndCopy()
    {
        State.SenderPhase = SenderPhase.Push;
        _sender.EndPart();
    }

    private void BeginTxMemory(SendNeed need, int wanted)
    {
        var queue = Socket.SendQueue;
        var allocation = SocketRules.NbdTransmit(Socket.Flags).Allocation;
        State.SkbPending = need == SendNeed.Skb;
        if (State.SkbPending)
        {
            State.SkbCall = SkbCall.For(
                allocation, SendFlags, AllocContext.Task, _sender.Cpu, queue.LinearSize, Tcp.Parameters);
        }

        State.PageCall = AllocCall.For(PageOwner.TxFragment, allocation, SendFlags, AllocContext.Task, _sender.Cpu);
        State.PagePending = need == SendNeed.Page;
        RequestTxMemory((wanted + SkbSizes.Page - 1) / SkbSizes.Page);
    }

    /// <summary>Asks for what is pending: an skb, or so many pages, each a request of its own.</summary>
    private void RequestTxMemory(int pages)
    {
        _txMemory.NeedsSkb = State.SkbPending;
        _txMemory.Skb = State.SkbCall;
        _txMemory.Skb.Task = SendFlags;
        _txMemory.Skb.Cpu = (byte)_sender.Cpu;
        _txMemory.Page = State.PageCall;
        _txMemory.Page.Task = SendFlags;
        _txMemory.Page.Cpu = (byte)_sender.Cpu;
        _txMemory.PagesWanted = State.PagePending ? pages : 0;
        Host.Send(BladeActors.Blade, _txMemory);
    }

    private void OnTxMemory(TxMemory memory)
    {
        _sender.SystemNs += memory.CostNs;
        State.SkbCall = _txMemory.Skb;
        State.PageCall = _txMemory.Page;
        if (memory.HasSkb)
        {
            State.SkbPending = false;
            Tcp.ChargeSend(memory.Skb.TrueSize);
            Socket.SendQueue.AddSkb(memory.Skb);
            Tcp.Append(0, memory.Skb.TrueSize);
        }

        if (_txMemory.Block && memory.Count > 0)
        {
            Socket.SendQueue.AddPage(memory.Pages[0], State.PageCall.Order);
        }

        for (var i = 0; i < memory.Count && !_txMemory.Block; i++)
        {
            State.GrantedPages.Add(memory.Pages[i]);
        }

        if (memory.Outcome == AllocOutcome.Granted || memory.Count > 0)
        {
            _refused = memory.Outcome != AllocOutcome.Granted;
            State.PagePending = false;
            Copy();
            return;
        }

        // A buffer whose head is granted already stays in its call: it has to be completed.
        var begun = State.SkbPending && State.SkbCall.Result.Head != PageFrame.None;
        if (memory.Outcome != AllocOutcome.Failed && _sectionLeft < _sectionBytes && !begun)
        {
            State.SkbPending = false;
            State.PagePending = false;
            EndCopy();
            return;
        }

        OnTxRefused(memory.Outcome);
    }

    private void OnTxRefused(AllocOutcome outcome)
    {
        switch (outcome)
        {
            case AllocOutcome.NeedsReclaim:
                State.SenderPhase = SenderPhase.Memory;
                ref var pages = ref PendingPages;
                _reclaim.Gfp = pages.Gfp;
                _reclaim.Order = pages.Order;
                _reclaim.From(in pages);
                _reclaim.Flags = SendFlags;
                Host.Send(SendersReclaimer, _reclaim);
                _sender.EndSection(SendersReclaimer, WaitKind.FreePage);
                break;
            case AllocOutcome.NeedsWait:
                State.SenderPhase = SenderPhase.Memory;
                WaitToRetry();
                break;
            case AllocOutcome.Failed:
                WaitForMemory();
                break;
            default:
                throw new InvalidOperationException($"tcp_sendmsg with GFP_NOIO came to {outcome}");
        }
    }

    private void WaitToRetry()
    {
        if (RetryRules.SleepsATick(_rules, _sender.State.Flags))
        {
            var tickNs = Tcp.Parameters.TickNs;
            _sender.SleepAtMost(WaitKind.FreePage, Tcp.Parameters.AtTick(Host.NowNs + tickNs) - Host.NowNs);
        }
        else
        {
            _sender.EndSection(Index, WaitKind.FreePage);
        }
    }

    private ref AllocCall PendingPages
    {
        get
        {
            if (State.SkbPending)
            {
                return ref State.SkbCall.Inner.Pages;
            }

            return ref State.PageCall;
        }
    }

    private void OnReclaimed(int pages) => PendingPages.Reclaimed = pages;

    /// <summary>The send buffer is full: what is queued goes out, the socket is released until ACKs make
    /// room.</summary>
    private void WaitForSpace()
    {
        State.Counters.SpaceWaits++;
        Tcp.NoSpace = true;
        Push(more: false);
        Release(_sender);
        State.SenderPhase = SenderPhase.Lock;
        if (Tcp.MemoryFree || State.Failed)
        {
            _sender.EndSection(Index);
        }
        else
        {
            _sender.SleepOn(WaitKind.SendSpace);
        }
    }

    /// <summary><c>sk_stream_wait_memory</c> after a failed allocation: the socket is released, so its backlog runs
    /// meanwhile.</summary>
    private void WaitForMemory()
    {
        State.Counters.MemoryWaits++;
        State.SkbPending = false;
        State.PagePending = false;
        Tcp.SendAllocationFailed();
        Push(more: false);
        Release(_sender);
        State.SenderPhase = SenderPhase.Lock;
        _sender.SleepAtMost(WaitKind.SendSpace, Tcp.MemoryWaitNs((uint)Host.NextRandom()));
    }

    /// <summary>tcp_push: with <paramref name="more"/> to come only full segments leave.</summary>
    private void Push(bool more)
    {
        while (Tcp.TryTransmit(Host.NowNs, push: !more, out var segment))
        {
            Transmit(segment, _sender);
        }

        ScheduleTimer();
    }
}
