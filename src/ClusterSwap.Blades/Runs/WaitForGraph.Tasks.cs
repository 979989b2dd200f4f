// What tasks wait for.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Runs;

public sealed partial class WaitForGraph
{
    private const string WokenUp = "a task has been woken and will look again";

    private bool IsAwake(int task) => _states.Blade.Cpus.StateOf(task) != CpuTaskState.Asleep;

    // A loop through the allocator is a wait however busy it is; any other wait is over once its task is awake.
    private static bool IsLoop(WaitKind wait) => wait is WaitKind.FreePage or WaitKind.Timer;

    private void ConnectSender()
    {
        var device = _states.Device;
        if (device.TxOwner < 0)
        {
            _sender.GoesOn("nobody holds tx_lock: whoever has a request sends it");
            return;
        }

        var wait = device.TaskOf(device.TxOwner).Wait;
        if (device.SenderPhase == SenderPhase.Memory)
        {
            var call = PendingAllocation(device);
            var failsAtOnce = (call.Gfp & Gfp.Wait) == 0 || (call.Task & TaskFlags.MemAlloc) != 0;
            if (failsAtOnce)
            {
                _sender.GoesOn("the NBD sender's allocation may fail, which releases the socket");
            }

            _sender.Needs(_pagesForSender);
        }
        else if (wait == WaitKind.None || IsAwake(device.TxOwner))
        {
            _sender.GoesOn("the NBD sender runs");
        }
        else if (wait == WaitKind.SocketLock)
        {
            _sender.Needs(_socket);
        }
        else if (wait == WaitKind.SendSpace)
        {
            // sk_stream_wait_memory: for room, which only ACKs make, or for memory, for which it looks again by itself.
            _sender.Needs(_received);
            if (device.Socket.Tcp.MemoryFree)
            {
                _sender.Needs(_pagesForSender);
            }
        }
    }

    private void ConnectReceiver()
    {
        switch (_states.Device.Receiver.Wait)
        {
            case var wait when wait == WaitKind.None || IsAwake(BladeTasks.NbdReceiver):
                _receiver.GoesOn("the NBD receiver runs");
                break;
            case WaitKind.SocketLock:
                _receiver.Needs(_socket);
                break;
            case WaitKind.SocketData:
                _receiver.Needs(_received);
                break;
            case WaitKind.Work:
                // nbd_find_request: the reply came before the request was wholly sent.
                _receiver.Needs(_sender);
                break;
        }
    }

    private void ConnectProcess(int process)
    {
        if (_states.Process(process).EndedNs >= 0)
        {
            return;
        }

        var node = Node();
        _processes.Add(node);
        ConnectUserTask(node, process);
    }

    /// <summary>A reader of a stream frees what its socket holds, if it gets as far.</summary>
    private void ConnectReader(int stream)
    {
        var reader = _states.Reader(stream);
        if (reader.Queued > 0 && reader.Step != ReaderStep.Stuck)
        {
            var node = Node();
            ConnectUserTask(node, _states.Processes + stream);
            _freeing.Needs(node);
        }
    }

    private void ConnectUserTask(WaitNode node, int process)
    {
        var reclaims = _states.Reclaims(process);
        var inner = _states.Innermost(process);
        if (_states.Sends(process))
        {
            node.Needs(_sender);
        }
        else if (IsLoop(inner.Wait) || (reclaims && inner.Wait == WaitKind.None))
        {
            node.Needs(_pagesForProcesses);
            ConnectOom(node, process);
        }
        else if (inner.Wait == WaitKind.None)
        {
            node.GoesOn(process < _states.Processes ? "a process runs" : "a reader of a stream runs");
        }
        else if (IsAwake(BladeTasks.Process(process)))
        {
            node.GoesOn(WokenUp);
        }
        else
        {
            ConnectSleeper(node, inner, process);
        }
    }

    private void ConnectSleeper(WaitNode node, TaskState inner, int process)
    {
        switch (inner.Wait)
        {
            case WaitKind.PageLock:
                ConnectPageLock(node, inner.WaitObject);
                break;
            case WaitKind.Request:
                (inner.WaitObject == 1 ? _writes : _reads).EndWaitOf(node);
                break;
            case WaitKind.Bio:
                _reads.EndWaitOf(node);
                _writes.EndWaitOf(node);
                var queue = _states.Device.Queue;
                if (BioCanBeHad() && !(queue.Full(write: true) && queue.Full(write: false)))
                {
                    node.GoesOn("a bio can be had, and a request for it");
                }

                break;
            case WaitKind.Throttle:
                node.Needs(_freeing);
                if (HalfOfReserveIsFree(_states.Reclaimer(process).Call.ListNode))
                {
                    node.GoesOn("more than half of the reserve is free: kswapd will end the throttling");
                }

                break;
        }
    }

    // The lock belongs to the request that reads the page, or to the task that has not submitted that request yet.
    private void ConnectPageLock(WaitNode node, int page)
    {
        var queue = _states.Device.Queue;
        for (var tag = 0; tag < queue.Created; tag++)
        {
            var request = queue[tag];
            if (request is { InFlight: true, Write: false } && request.Pages.AsSpan(0, request.Count).Contains(page))
            {
                node.Needs(_reads.Completion(tag));
                return;
            }
        }

        for (var process = 0; process < _states.UserTasks; process++)
        {
            if (_states.UserTask(process).EndedNs < 0 && HasReadOf(process, page))
            {
                NeedsReaderOf(node, process);
                return;
            }
        }

        node.GoesOn(WokenUp);
    }

    private bool HasReadOf(int process, int page)
    {
        var state = _states.UserTask(process);
        if (state.Phase is not (ProcessPhase.SwapIn or ProcessPhase.SubmitEarly or ProcessPhase.Submit))
        {
            return false;
        }

        return state.Run.Pages.AsSpan(0, state.Run.Count).Contains(page);
    }

    // Whoever reads may itself wait for a request, a bio or a page, but never for a page lock: no node of its own is
    // needed.
    private void NeedsReaderOf(WaitNode node, int process)
    {
        var inner = _states.Innermost(process);
        if (_states.Sends(process))
        {
            node.Needs(_sender);
        }
        else if (inner.Wait == WaitKind.PageLock || (inner.Wait == WaitKind.None && !_states.Reclaims(process)))
        {
            node.GoesOn(WokenUp);
        }
        else if (IsLoop(inner.Wait) || inner.Wait == WaitKind.None)
        {
            node.Needs(_pagesForProcesses);
            ConnectOom(node, process);
        }
        else
        {
            ConnectSleeper(node, inner, process);
        }
    }

    private static AllocCall PendingAllocation(NbdDeviceState device) =>
        device.SkbPending ? device.SkbCall.Inner.Pages : device.PageCall;
}
