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
        ("swapnbd", 1, "31680c30d15038e48410f46dfb619e4f"),
        ("swapnbd", 2, "93e9a5d47419e052a1b1f443f75b4a24"),
        ("swapnbd-slab", 1, "761ea77fb603757d492a6f056f546e0d"),
        ("vanilla", 1, "c7703e2ca7220a946c132b343ec61dab"),
        ("vanilla-slab", 1, "87c27433e70b44d74f9529505279b564"),
    ];
}
