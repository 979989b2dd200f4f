// Who sends on a blk-mq device: the task that finishes its plug, in its own context, or the block worker. tx_lock is a
// FIFO mutex.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Block;

namespace ClusterSwap.Blades.Actors;

public sealed partial class NbdDevice
{
    private bool _multiQueue;
    private TaskThread[] _threads = [];

    /// <summary>Threads of all who may send: the worker, and the tasks that issue what they plugged.</summary>
    private void AttachIssuers()
    {
        _multiQueue = State.Issues.Length > 0;
        for (var task = 0; task < State.Issues.Length; task++)
        {
            _threads[task].State = State.Issues[task].Task;
        }

        _worker.State = State.Sender;
        _sender = State.TxOwner is BladeTasks.NbdSender or < 0 ? _worker : _threads[State.TxOwner];
    }

    private TaskThread[] NewThreads(int tasks)
    {
        var threads = new TaskThread[tasks];
        for (var task = 0; task < tasks; task++)
        {
            threads[task] = task == SenderTask ? _worker : new TaskThread(Host, Index, task, _cost.WakeupNs);
        }

        return threads;
    }

    /// <summary>blk_finish_plug of a task: its next section is here, and issues what the plug holds.</summary>
    private void OnIssuePlug(IssuePlug issue)
    {
        var frame = State.Issues[issue.Task];
        frame.Task.Flags = issue.Flags;
        frame.ReturnTo = issue.ReplyTo;
    }

    private void RunIssuer(TaskThread thread)
    {
        if (State.TxOwner == thread.Task)
        {
            RunSender();
        }
        else
        {
            NextIssue(thread);
        }
    }

    /// <summary>The next request of a task (<c>nbd_queue_rq</c>): each takes tx_lock anew, behind whoever waits for
    /// it.</summary>
    private void NextIssue(TaskThread thread)
    {
        if (!HasRequest(thread.Task))
        {
            EndIssue(thread);
        }
        else if (TryLockTx(thread))
        {
            RunSender();
        }
        else
        {
            thread.SleepOn(WaitKind.TxLock);
        }
    }

    private void EndIssue(TaskThread thread)
    {
        if (thread.Task == SenderTask)
        {
            thread.SleepOn(WaitKind.Work);
            return;
        }

        // Left over only when the connection has failed and nbd-client does not know yet.
        Flush(thread.Task);
        thread.EndSection(State.Issues[thread.Task].ReturnTo);
    }

    private bool HasRequest(int task) =>
        (!State.Failed || State.Closed) && (task == SenderTask ? State.Waiting.Count > 0 : State.Plugs[task].Count > 0);

    private int TakeTag()
    {
        if (State.TxOwner == SenderTask)
        {
            return _multiQueue && _sorted ? MqDeadline.Take(State.Queue, State.Waiting, ref State.Deadline) : State.Waiting.Take();
        }

        return State.Plugs[State.TxOwner].TakeLast(State.Queue);
    }

    private bool TryLockTx(TaskThread thread)
    {
        if (State.TxOwner >= 0)
        {
            if (!State.TxWaiters.Contains(thread.Task))
            {
                State.TxWaiters.Add(thread.Task);
            }

            return false;
        }

        State.TxOwner = thread.Task;
        _sender = thread;
        return true;
    }

    /// <summary>The request is sent: tx_lock goes to whoever has waited longest, and the task to its next
    /// request.</summary>
    private void UnlockTx()
    {
        var thread = _sender;
        PassTxLock();
        NextIssue(thread);
    }

    private void PassTxLock()
    {
        State.TxOwner = -1;
        if (State.TxWaiters.Count > 0)
        {
            var next = State.TxWaiters[0];
            State.TxWaiters.RemoveAt(0);
            State.TxOwner = next;
            _sender = _threads[next];
            Host.Send(BladeActors.Blade, _wake[next]);
        }
    }

    /// <summary>The actor that reclaims for whoever sends.</summary>
    private int SendersReclaimer => State.TxOwner == SenderTask
        ? BladeActors.SenderReclaimer
        : BladeActors.ReclaimerOf(State.TxOwner - BladeTasks.FirstProcess);
}
