// One random stream: SplitMix64, whose whole state is a word.
using System.Runtime.CompilerServices;

namespace ClusterSwap.Engine;

/// <summary>
/// A SplitMix64 stream. It starts at a hash of what it belongs to, so streams do not depend on one another.
/// </summary>
internal struct RandomStream(ulong state)
{
    /// <summary>All that the stream remembers.</summary>
    public ulong State = state;

    /// <summary>The next 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Next() => Mixing.Finish(State += Mixing.GoldenStep);

    /// <summary>
    /// A number from 0 to below - 1, each equally likely. Lemire's method: multiply, and redraw the uneven rest.
    /// </summary>
    public int Next(int below)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(below);
        ulong range = (ulong)below;
        ulong high = Math.BigMul(Next(), range, out ulong low);
        if (low < range)
        {
            ulong uneven = (0 - range) % range;
            while (low < uneven)
            {
                high = Math.BigMul(Next(), range, out low);
            }
        }

        return (int)high;
    }
}
