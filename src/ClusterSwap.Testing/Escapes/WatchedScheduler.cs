// Akka's scheduler under watch: who uses it from within a simulated actor is caught in the act.
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch;
using Akka.Event;

namespace ClusterSwap.Testing;

/// <summary>
/// Akka's own scheduler for everybody but the actors of a simulation. Akka creates it by the name in the kit's
/// configuration.
/// </summary>
public sealed class WatchedScheduler : SchedulerBase, IDisposable
{
    private readonly HashedWheelTimerScheduler _real;

    /// <summary>The constructor that Akka calls.</summary>
    public WatchedScheduler(Config scheduler, ILoggingAdapter log)
        : base(scheduler, log) => _real = new HashedWheelTimerScheduler(scheduler, log);

    /// <inheritdoc/>
    public override TimeSpan MonotonicClock => _real.MonotonicClock;

    /// <inheritdoc/>
    public override TimeSpan HighResMonotonicClock => _real.HighResMonotonicClock;

    /// <inheritdoc/>
    protected override DateTimeOffset TimeNow => ((ITimeProvider)_real).Now;

    private IScheduler Real => _real;

    /// <inheritdoc/>
    public void Dispose() => _real.Dispose();

    /// <inheritdoc/>
    protected override void InternalScheduleTellOnce(
        TimeSpan delay, ICanTell receiver, object message, IActorRef sender, ICancelable cancelable)
    {
        if (!Caught($"{message.GetType().Name} after {delay}"))
        {
            Real.ScheduleTellOnce(delay, receiver, message, sender, cancelable);
        }
    }

    /// <inheritdoc/>
    protected override void InternalScheduleTellRepeatedly(
        TimeSpan initialDelay,
        TimeSpan interval,
        ICanTell receiver,
        object message,
        IActorRef sender,
        ICancelable cancelable)
    {
        if (!Caught($"{message.GetType().Name} every {interval}"))
        {
            Real.ScheduleTellRepeatedly(initialDelay, interval, receiver, message, sender, cancelable);
        }
    }

    /// <inheritdoc/>
    protected override void InternalScheduleOnce(TimeSpan delay, Action action, ICancelable cancelable)
    {
        if (!Caught($"an action after {delay}"))
        {
            Real.Advanced.ScheduleOnce(delay, action, cancelable);
        }
    }

    /// <inheritdoc/>
    protected override void InternalScheduleOnce(TimeSpan delay, IRunnable action, ICancelable cancelable)
    {
        if (!Caught($"an action after {delay}"))
        {
            Real.Advanced.ScheduleOnce(delay, action, cancelable);
        }
    }

    /// <inheritdoc/>
    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, Action action, ICancelable cancelable)
    {
        if (!Caught($"an action every {interval}"))
        {
            Real.Advanced.ScheduleRepeatedly(initialDelay, interval, action, cancelable);
        }
    }

    /// <inheritdoc/>
    protected override void InternalScheduleRepeatedly(
        TimeSpan initialDelay, TimeSpan interval, IRunnable action, ICancelable cancelable)
    {
        if (!Caught($"an action every {interval}"))
        {
            Real.Advanced.ScheduleRepeatedly(initialDelay, interval, action, cancelable);
        }
    }

    // Nothing is scheduled then: the run is void, and a wall clock would only disturb what follows.
    private static bool Caught(string what) => EscapeDetector.ReportRunningActor(EscapeKind.Scheduler, what);
}
