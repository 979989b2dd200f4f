// Fingerprints of runs that Debug and Release, today's machine and tomorrow's, must all give.
namespace ClusterSwap.Blades.Tests.Determinism;

/// <summary>
/// To be updated, from the text of the failing test, whenever a change is meant to change what happens: a rule, a cost,
/// an order of messages, a message's Fold. Never for a change that is meant to be faster, tidier or better checked:
/// then a difference is a bug.
/// </summary>
internal static class GoldenFingerprints
{
    /// <summary>Of <see cref="Trial.Quick"/> with <see cref="Trial.OnePass"/>, run for at most 8 s.</summary>
    public static readonly (string Variant, ulong Seed, string Fingerprint)[] Quick =
    [
        ("swapnbd", 1, "8a07fd9aff7c2c97d1b2a0d26ead35cb"),
        ("swapnbd", 2, "d504468962ce8386fe5641eeb76cf90c"),
        ("swapnbd-slab", 1, "60e09ab61121130ff3f71954bd961098"),
        ("vanilla", 1, "4e3589a763a744f01be1d9edea0a95d7"),
        ("vanilla-slab", 1, "7d2c2e97355dcee714043a1a795c4621"),
    ];

    /// <summary>Of <see cref="Trial.Quick"/> with <see cref="Trial.OnePass"/> and era 6.1, by scheduler, run for at
    /// most 8 s.</summary>
    public static readonly (string Scheduler, string Fingerprint)[] Linux61 =
    [
        ("none", "24a6760d3780a84ff3a1a3d055fdb1f6"),
        ("mq-deadline", "1eb3f1b74338d6bb2c4985fc0250f8dd"),
    ];
}
