// Tasks: each runs, may run, or sleeps where something will wake it.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Monitors;

public sealed partial class Conservation
{
    private void CheckTasks()
    {
        _blade.Cpus.AssertInvariants();
        var timers = new HashSet<(int Actor, int Task, long AtNs)>();
        var cpus = new HashSet<int>();
        foreach (var (_, actor, message) in _simulation.Pending(_place.Host))
        {
            switch (message)
            {
                case SleepOver timer:
                    timers.Add((actor, timer.Task, timer.AtNs));
                    break;
                case CpuDone done:
                    cpus.Add(done.Cpu);
                    break;
            }
        }

        var runnable = _blade.Cpus.RunnableCount;
        for (var cpu = 0; cpu < _place.Spec.Cpus; cpu++)
        {
            var task = _blade.Cpus.TaskOn(cpu);
            Require(task < 0 || cpus.Contains(cpu), $"cpu {cpu} runs task {task}, and nothing will end its section");
            Require(task >= 0 || runnable == 0, $"cpu {cpu} is idle while {runnable} tasks could run");
        }

        for (var task = 0; task < _blade.RunActor.Length; task++)
        {
            if (_blade.Cpus.StateOf(task) == CpuTaskState.Asleep && _stopped?.Contains(task) != true)
            {
                CheckSleeper(task, timers);
            }
        }
    }

    private void CheckSleeper(int task, HashSet<(int Actor, int Task, long AtNs)> timers)
    {
        var actor = _blade.RunActor[task];
        var state = StateOf(task, actor);
        if (state.Sections == 0)
        {
            // It has never run: its first event is still on its way.
            return;
        }

        var wakesItself = state.DeadlineNs != long.MaxValue
            && state.TimerAtNs <= state.DeadlineNs && timers.Contains((actor, task, state.TimerAtNs));
        Require(wakesItself || WillBeWoken(task, state),
            $"task {task} sleeps in actor {actor} since {state.WaitSinceNs} ns on {state.Wait} ({state.WaitObject}): "
            + "nothing will wake it");
    }

    private TaskState StateOf(int task, int actor) => actor switch
    {
        BladeActors.Kswapd => Actor<Kswapd>(actor).Inspect.Task,
        BladeActors.NbdDevice => _nbd.TaskOf(task),
        _ => _simulation.Actor<HostActor>(_place.Host, actor) switch
        {
            IFaultingTask process => process.Faults.Task,
            Kswapd kswapd => kswapd.Inspect.Task,
            Tap tap => tap.Inspect.Reader,
            Bystander sockets => sockets.Inspect.Readers[task - BladeTasks.FirstReader(_place.Spec.UserTasks)],
            var reclaimer => ((DirectReclaimer)reclaimer).Inspect.Task,
        },
    };

    private bool WillBeWoken(int task, TaskState state)
    {
        switch (state.Wait)
        {
            case WaitKind.PageLock:
                return _memory.Pages.Frames[state.WaitObject].Has(PageFlags.Locked)
                    && _blade.PageWaiters.Contains(new PageWaiter(task, state.WaitObject));
            case WaitKind.Request:
                return _nbd.Queue.Sleepers(write: state.WaitObject == 1) > 0;
            case WaitKind.Throttle:
                return _blade.Throttled.Any(node => node.Contains(task));
            case WaitKind.TxLock:
                return _nbd.TxOwner >= 0 && _nbd.TxWaiters.Contains(task);
            case WaitKind.SocketLock:
                return _nbd.Socket.Owner >= 0 && _nbd.Socket.LockWaiters.Contains(task);
            case WaitKind.SendSpace:
                return _nbd.Socket.Tcp.NoSpace && _nbd.Socket.Tcp.WmemQueued > 0;
            case WaitKind.SocketData when _simulation.Actor<HostActor>(_place.Host, _blade.RunActor[task]) is Tap tap:
                return tap.Inspect.Tap.Queue.Count == 0;
            case WaitKind.SocketData when task >= BladeTasks.FirstReader(_place.Spec.UserTasks):
                var socket = task - BladeTasks.FirstReader(_place.Spec.UserTasks);
                var sockets = Actor<Bystander>(BladeActors.Bystanders(_place.Spec.UserTasks)).Inspect.Sockets;
                return sockets[socket].Queue.Count == 0;
            case WaitKind.SocketData when task >= BladeTasks.FirstProcess:
                var stream = Actor<TcpReader>(BladeActors.Process(task - BladeTasks.FirstProcess)).Inspect;
                return stream.Tcp.Readable == 0 && !stream.Owned;
            case WaitKind.SocketData:
                var wanted = _nbd.ReceiverPhase == ReceiverPhase.Header ? Kernel.Block.NbdWire.ReplyBytes : 1;
                return _nbd.Socket.Tcp.Readable < wanted;
            case WaitKind.Work:
                return HasNoWork(task);
            case WaitKind.FreePage or WaitKind.None or WaitKind.Bio or WaitKind.Timer:
                // The first two are no reasons to sleep, the others end by a timer at the latest.
                return false;
            default:
                return true;
        }
    }

    private bool HasNoWork(int task) => task switch
    {
        BladeTasks.NbdSender => _nbd.Waiting.Count == 0 || _nbd.Failed,
        BladeTasks.NbdReceiver => _nbd.ReceiverPhase == ReceiverPhase.WaitForSend && _nbd.Receiving == _nbd.Sending,
        BladeTasks.Kswapd => _memory.Kswapds[0].Waiting,
        _ => _memory.Kswapds[^1].Waiting,
    };
}
