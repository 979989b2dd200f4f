// Calm after pressure: no new load. Who is in the kernel finishes what it is at.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;

namespace ClusterSwap.Exploration.Properties;

/// <summary>
/// Stops the processes of a blade as SIGSTOP does: each when it would next run in user mode, none within the kernel.
/// Faults, reclaim and swap I/O that are under way go on.
/// </summary>
public sealed class StoppedProcesses(Simulation simulation, BladePlace place) : HostInterceptor
{
    private readonly SortedSet<int> _stopped = [];

    /// <summary>Tasks that have stopped.</summary>
    public IReadOnlySet<int> Tasks => _stopped;

    /// <inheritdoc/>
    public override Interception Decide(HostContext host, in Arrival arrival)
    {
        if (arrival.Message is not RunTask run || ProcessOf(run.Task) is not { } process)
        {
            return Interception.Deliver;
        }

        var actor = BladeActors.Process(process);
        var inUserMode = arrival.Actor == actor
            && simulation.Actor<Process>(place.Host, actor).Inspect.Phase == ProcessPhase.User;
        return inUserMode ? Interception.TakeOver : Interception.Deliver;
    }

    /// <inheritdoc/>
    public override void TakeOver(HostContext host, in Arrival arrival)
    {
        var task = ((RunTask)arrival.Message).Task;
        _stopped.Add(task);
        host.Send(BladeActors.Blade, new SectionEnd { Task = task, Sleep = true, ResumeActor = arrival.Actor });
    }

    private int? ProcessOf(int task) =>
        task >= BladeTasks.FirstProcess && task < BladeTasks.Process(place.Spec.Processes)
            ? task - BladeTasks.FirstProcess
            : null;
}

/// <summary>Machines that send to blades send nothing more.</summary>
public sealed class SilentTraffic : HostInterceptor
{
    /// <inheritdoc/>
    public override Interception Decide(HostContext host, in Arrival arrival) =>
        arrival.Message is DatagramTick or StreamTick ? Interception.Drop : Interception.Deliver;
}
