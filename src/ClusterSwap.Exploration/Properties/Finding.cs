// What a run of a drawn deployment came to.
using ClusterSwap.Exploration.Generators;

namespace ClusterSwap.Exploration.Properties;

/// <summary>How a run under pressure and then in calm ended.</summary>
public enum Outcome
{
    /// <summary>Every waiter got on.</summary>
    GotOn,

    /// <summary>A set of waiters that nothing can free.</summary>
    Deadlock,

    /// <summary>Waiters that did not get on within the bound, although things still happen.</summary>
    Livelock,

    /// <summary>The OOM killer was called.</summary>
    Oom,

    /// <summary>An invariant broke.</summary>
    Safety,
}

/// <summary>The end of one run.</summary>
/// <param name="Deployment">What ran.</param>
/// <param name="Outcome">How it ended.</param>
/// <param name="Cause">The class of a hang by its cause; <see cref="HangCause.None"/> for other ends.</param>
/// <param name="Goals">What it reached.</param>
/// <param name="VirtualNs">When it ended, ns.</param>
/// <param name="Fingerprint">Hash of what happened, hexadecimal.</param>
/// <param name="Story">What is to be said of it, a line each; the first says all in short.</param>
public sealed record Finding(
    Deployment Deployment,
    Outcome Outcome,
    HangCause Cause,
    Goal Goals,
    long VirtualNs,
    string Fingerprint,
    IReadOnlyList<string> Story)
{
    /// <summary>The same end by the same cause: what a smaller case must keep.</summary>
    public bool IsLike(Finding other) => Outcome == other.Outcome && Cause == other.Cause;
}
