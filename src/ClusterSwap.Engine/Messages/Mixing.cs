// Hashes of a few words: draws that break ties, and seeds of random streams.
using System.Runtime.CompilerServices;

namespace ClusterSwap.Engine;

/// <summary>Mixes words into one that looks random: the base of tie-breaking draws and of random streams.</summary>
internal static class Mixing
{
    /// <summary>The step of a SplitMix64 stream: 2^64 divided by the golden ratio, odd.</summary>
    public const ulong GoldenStep = 0x9E3779B97F4A7C15;

    /// <summary>The finalizer of SplitMix64: a bijection, so different inputs never collide.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Finish(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    /// <summary>Hash of three words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(ulong seed, ulong a, ulong b) => Finish(Finish(seed + (a * GoldenStep)) + (b * GoldenStep));
}
