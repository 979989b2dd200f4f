// Expectations in virtual time: what a probe has got by now, and exactly when.
using Akka.TestKit;

namespace ClusterSwap.Testing;

public abstract partial class SimulationTestKit
{
    /// <summary>Virtual time at which the message that a probe returned last had arrived, ns.</summary>
    /// <exception cref="InvalidOperationException">It has returned none, or one from outside the
    /// simulation.</exception>
    protected static long ArrivedNs(TestProbe probe) => probe.LastSender is AddressRef sender
        ? sender.AtNs
        : throw new InvalidOperationException("the probe has returned no message of the simulation yet");

    /// <summary>The next message of a probe is of this type and arrived exactly at this virtual time.</summary>
    /// <exception cref="SimulationTestException">There is none, or it is another, or it came at another
    /// time.</exception>
    protected T ExpectMsgAt<T>(TestProbe probe, long atNs)
    {
        T message = probe.ExpectMsg<T>(TimeSpan.Zero);
        return ArrivedNs(probe) == atNs
            ? message
            : throw Failed($"{typeof(T).Name} was expected at {atNs:N0} ns and arrived at {ArrivedNs(probe):N0} ns");
    }

    /// <summary>
    /// The next message of a probe is of this type and arrived between two virtual times, both included.
    /// </summary>
    /// <exception cref="SimulationTestException">There is none, or it is another, or it came at another
    /// time.</exception>
    protected T ExpectMsgBetween<T>(TestProbe probe, long fromNs, long toNs)
    {
        T message = probe.ExpectMsg<T>(TimeSpan.Zero);
        long arrivedNs = ArrivedNs(probe);
        return arrivedNs >= fromNs && arrivedNs <= toNs
            ? message
            : throw Failed(
                $"{typeof(T).Name} was expected from {fromNs:N0} to {toNs:N0} ns and arrived at {arrivedNs:N0} ns");
    }

    /// <summary>
    /// The first message of a probe that is of this type and for which the function is true; those before it are passed
    /// over.
    /// </summary>
    /// <exception cref="SimulationTestException">The probe has none.</exception>
    protected T FindMsg<T>(TestProbe probe, Predicate<T>? isWanted = null)
    {
        int passed = 0;
        while (probe.HasMessages)
        {
            if (probe.ReceiveOne(TimeSpan.Zero) is T message && (isWanted is null || isWanted(message)))
            {
                return message;
            }

            passed++;
        }

        throw Failed($"the probe has no such {typeof(T).Name}: {passed} others were passed over");
    }

    /// <summary>
    /// Runs for so much virtual time, in which a probe gets nothing, and has nothing left from before. It takes no
    /// wall-clock time but that of running.
    /// </summary>
    /// <exception cref="SimulationTestException">A message came.</exception>
    protected void ExpectQuiet(TestProbe probe, long durationNs)
    {
        RunFor(durationNs);
        probe.ExpectNoMsg(TimeSpan.Zero);
    }

    /// <summary>Runs a check; what it throws gets the story of the run.</summary>
    /// <exception cref="SimulationTestException">The check throws.</exception>
    protected void Check(Action check)
    {
        try
        {
            check();
        }
        catch (Exception e) when (e is not SimulationTestException)
        {
            throw Failed(e.Message, e);
        }
    }
}
