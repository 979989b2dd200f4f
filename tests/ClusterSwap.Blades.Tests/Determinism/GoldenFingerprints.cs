// Fingerprints of runs that Debug and Release, today's machine and tomorrow's, must all give.
namespace ClusterSwap.Blades.Tests.Determinism;

/// <summary>
/// To be updated, from the text of the failing test, whenever a change is meant to change what happens: a rule, a cost, an order of
/// messages, a message's Fold. Never for a change that is meant to be faster, tidier or better checked: then a difference is a bug.
/// </summary>
internal static class GoldenFingerprints
{
    /// <summary>Of <see cref="Trial.Quick"/> with <see cref="Trial.OnePass"/>, run for at most 8 s.</summary>
    public static readonly (string Variant, ulong Seed, string Fingerprint)[] Quick =
    [
        ("swapnbd", 1, "a1964645e352987bc08dd2490a3ab099"),
        ("swapnbd", 2, "dcdf1230f9583113b14546629ed04b9e"),
        ("swapnbd-slab", 1, "269fae1a6af114517309cca2cf99dd5f"),
        ("vanilla", 1, "1bd9b35e6ad79feb4ad563dfc93cbee4"),
        ("vanilla-slab", 1, "245351435208415b7f84e45bebb87a4e"),
    ];

    /// <summary>Of <see cref="Trial.Quick"/> with <see cref="Trial.OnePass"/> and era 6.1, by scheduler, run for at most 8 s.</summary>
    public static readonly (string Scheduler, string Fingerprint)[] Linux61 =
    [
        ("none", "fb6ab99f9c72927964091d83367c3e15"),
        ("mq-deadline", "746eb90e14bca9167a798dd93297b35c"),
    ];
}
