// The running hash of what happened: two 64-bit halves, folded by 128-bit multiplication.
using System.Numerics;
using System.Runtime.CompilerServices;
using MemoryPack;

namespace ClusterSwap.Engine;

/// <summary>
/// A running 128-bit hash of what happened on a host. Equal fingerprints mean equal runs; it guards against
/// accidents, not against an adversary. About a nanosecond for two words.
/// </summary>
[MemoryPackable]
public partial struct Fingerprint : IEquatable<Fingerprint>
{
    private const ulong LowStep = 0xA0761D6478BD642F;
    private const ulong HighStep = 0xE7037ED1A0B428DB;

    /// <summary>Lower half of the hash.</summary>
    public ulong Low;

    /// <summary>Upper half of the hash.</summary>
    public ulong High;

    /// <summary>Both halves as one number.</summary>
    [MemoryPackIgnore]
    public readonly UInt128 Value => new(High, Low);

    /// <summary>Folds one word in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ulong a) => Add(a, LowStep);

    /// <summary>Folds two words in, in this order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ulong a, ulong b)
    {
        // The factors are kept beside the product, so a factor that happens to be zero loses nothing; the steps and the
        // rotation make a run of zeros and an exchange of the halves visible.
        ulong x = Low ^ a;
        ulong y = High ^ b;
        ulong high = Math.BigMul(x, y, out ulong low);
        Low = BitOperations.RotateLeft(x, 23) + LowStep ^ high;
        High = y + HighStep ^ low;
    }

    /// <inheritdoc/>
    public readonly bool Equals(Fingerprint other) => Low == other.Low && High == other.High;

    /// <inheritdoc/>
    public override readonly bool Equals(object? obj) => obj is Fingerprint other && Equals(other);

    /// <inheritdoc/>
    public override readonly int GetHashCode() => (int)(Low ^ High);

    /// <summary>Thirty-two hexadecimal digits.</summary>
    public override readonly string ToString() => Value.ToString("x32");

    /// <summary>Whether both halves are equal.</summary>
    public static bool operator ==(Fingerprint left, Fingerprint right) => left.Equals(right);

    /// <summary>Whether a half differs.</summary>
    public static bool operator !=(Fingerprint left, Fingerprint right) => !left.Equals(right);
}
