// When faults are in force at an actor: they begin and end by messages, and come again.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

/// <summary>A fault with its number in the scenario, by which messages and traces name it.</summary>
/// <param name="Number">From 0.</param>
/// <param name="Spec">The fault.</param>
public readonly record struct NumberedFault(int Number, FaultSpec Spec);

/// <summary>
/// The faults of one actor. Their first messages are posted when the cluster is built; a scenario without faults has
/// none.
/// </summary>
/// <param name="host">The host.</param>
/// <param name="actor">The actor.</param>
/// <param name="faults">Its faults, in order of their numbers.</param>
public sealed class FaultTimes(HostContext host, int actor, IReadOnlyList<NumberedFault> faults)
{
    /// <summary>Way of a cable that the actor stands for, in trace records.</summary>
    public LinkDirection Way { get; init; }

    /// <summary>Gets the beginnings and ends.</summary>
    public TraceLog? Trace { get; set; }

    /// <summary>The fault of a number.</summary>
    public FaultSpec Of(int number)
    {
        foreach (var fault in faults)
        {
            if (fault.Number == number)
            {
                return fault.Spec;
            }
        }

        throw new InvalidOperationException($"fault {number} is none of actor {actor}");
    }

    /// <summary>The first messages of all faults of an actor.</summary>
    public static void Post(HostBuilder builder, int actor, IEnumerable<NumberedFault> faults)
    {
        foreach (var fault in faults)
        {
            builder.Post(fault.Spec.AtNs, actor, new FaultBegins(fault.Number, 0));
        }
    }

    /// <summary>A fault comes: its next time is set.</summary>
    public void ScheduleNext(FaultBegins begins)
    {
        var spec = Of(begins.Fault);
        if (begins.Round >= 0 && begins.Round + 1 < spec.Rounds)
        {
            host.Schedule(host.NowNs + spec.EveryNs!.Value, actor, new FaultBegins(begins.Fault, begins.Round + 1));
        }
    }

    /// <summary>A fault is in force from now on: its end is set, and it is recorded.</summary>
    public void Begin(FaultBegins begins, List<int> active)
    {
        active.Add(begins.Fault);
        active.Sort();
        Trace?.Add(TraceEvent.fault_begin, cpu: -1, begins.Fault, (long)Way);
        if (begins.Round >= 0 && Of(begins.Fault).ForNs is { } lasts)
        {
            host.Schedule(host.NowNs + lasts, actor, new FaultEnds(begins.Fault));
        }
    }

    /// <summary>A fault is over.</summary>
    public void End(FaultEnds ends, List<int> active)
    {
        active.Remove(ends.Fault);
        Trace?.Add(TraceEvent.fault_end, cpu: -1, ends.Fault, (long)Way);
    }
}
