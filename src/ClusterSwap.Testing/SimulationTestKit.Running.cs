// Driving a simulation: to a time, to quiet, until something holds, under many schedules.
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

public abstract partial class SimulationTestKit
{
    /// <summary>Limit of <see cref="RunToQuiet"/> unless the test says another: an hour of virtual time.</summary>
    public const long QuietLimitNs = 3_600 * VirtualTime.Second;

    /// <summary>
    /// Invariants of all actors are asserted at every so many barriers: they may visit all of a state.
    /// </summary>
    protected const int BarriersBetweenInvariants = 16;

    /// <summary>Runs all events before a virtual time.</summary>
    /// <exception cref="SimulationTestException">An actor failed, or an invariant broke.</exception>
    /// <exception cref="EscapeFoundException">An actor left virtual time.</exception>
    protected SimulationResult RunTo(long timeNs)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(timeNs, NowNs);
        return Drive(timeNs, null);
    }

    /// <summary>Runs for so much virtual time.</summary>
    /// <exception cref="SimulationTestException">As for <see cref="RunTo"/>.</exception>
    protected SimulationResult RunFor(long durationNs) => RunTo(checked(NowNs + durationNs));

    /// <summary>Runs until nothing is pending on any host; returns the virtual time of the last event, ns.</summary>
    /// <exception cref="SimulationTestException">As for <see cref="RunTo"/>, or it is not quiet by the
    /// limit.</exception>
    protected long RunToQuiet(long limitNs = QuietLimitNs)
    {
        if (!Simulation.Quiet)
        {
            Drive(limitNs, null);
        }

        return Simulation.Quiet
            ? LastEventNs
            : throw Failed($"not quiet by {limitNs:N0} ns: the next event is at {Simulation.NextNs:N0} ns");
    }

    /// <summary>
    /// Runs until a condition holds, which is asked at barriers (<see cref="SimulationBuilder.BarrierIntervalNs"/>).
    /// </summary>
    /// <exception cref="SimulationTestException">As for <see cref="RunTo"/>, or it does not hold by the
    /// limit.</exception>
    protected long RunUntil(Func<bool> condition, long limitNs = QuietLimitNs)
    {
        if (!condition())
        {
            Drive(limitNs, _ => !condition());
        }

        return condition() ? NowNs : throw Failed($"the condition does not hold by {NowNs:N0} ns");
    }

    /// <summary>Runs until a function of a barrier is true, at the latest to a virtual time.</summary>
    /// <exception cref="SimulationTestException">As for <see cref="RunTo"/>.</exception>
    protected void DriveUntil(long limitNs, Func<Engine.Barrier, bool> done) =>
        Drive(limitNs, barrier => !done(barrier));

    /// <summary>
    /// Runs a body under fifo and under so many drawn schedules, each with a simulation of its own: the body builds,
    /// runs
    /// and checks. The first schedule that fails is told by the failure.
    /// </summary>
    /// <param name="schedules">Drawn schedules beside fifo, 0 or more.</param>
    /// <param name="body">Begins with <see cref="NewSimulation"/>.</param>
    protected void UnderSchedules(int schedules, Action body)
    {
        ScheduleStrategy asked = Schedule;
        bool fixedByUser = Environment.GetEnvironmentVariable(TestCommand.ScheduleVariable) is { Length: > 0 };
        for (int i = 0; i <= (fixedByUser ? 0 : schedules); i++)
        {
            Schedule = i == 0 ? asked : ScheduleStrategy.Random((Seed << 20) + (ulong)i);
            try
            {
                body();
            }
            catch (Exception e) when (e is not SimulationTestException)
            {
                throw Failed($"under schedule {Schedule.Describe()}: {e.Message}", e);
            }
        }

        Schedule = asked;
    }

    /// <summary>Called at each barrier of a run with its time, ns: checks of a kit for certain actors.</summary>
    protected virtual void OnBarrier(long timeNs)
    {
    }

    private SimulationResult Drive(long untilNs, Func<Engine.Barrier, bool>? goOn)
    {
        Simulation simulation = Simulation;
        _escapes.RunBegins();
        try
        {
            return simulation.Run(new RunOptions
            {
                UntilNs = untilNs,
                InvariantInterval = BarriersBetweenInvariants,
                OnBarrier = barrier =>
                {
                    OnBarrier(barrier.TimeNs);
                    return goOn?.Invoke(barrier) ?? true;
                },
            });
        }
        catch (SimulationFaultException fault)
        {
            _escapes.RunEnded();
            ThrowOnEscape();
            throw Failed(fault.Message, fault.InnerException ?? fault);
        }
        catch (InvalidOperationException broken) when (broken is not ObjectDisposedException && _escapes.IsRunning)
        {
            throw Failed(broken.Message, broken);
        }
        catch (SimulationEscapeException)
        {
            // The detector knows more: it is asked below.
        }
        finally
        {
            _escapes.RunEnded();
            ThrowOnEscape();
        }

        throw new InvalidOperationException("an escape voided the run, but nobody saw it");
    }

    private void ThrowOnEscape()
    {
        if (_escapes.Take() is { Count: > 0 } escapes)
        {
            throw new EscapeFoundException(escapes, Story());
        }
    }

    /// <summary>A failure with the story of the run.</summary>
    protected SimulationTestException Failed(FormattableString what, Exception? cause = null) =>
        new(what.ToString(System.Globalization.CultureInfo.InvariantCulture), Story(), cause);

    /// <summary>A failure with the story of the run.</summary>
    protected SimulationTestException Failed(string what, Exception? cause = null) => new(what, Story(), cause);
}
