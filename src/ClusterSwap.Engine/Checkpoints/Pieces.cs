// The state of a host cut into pieces, so that what has not changed need not be stored again.
using System.IO.Hashing;

namespace ClusterSwap.Engine;

/// <summary>At most 64 KiB of a host's state, found again by where it was cut.</summary>
/// <param name="Cut">Number of the stretch between two cuts of <see cref="StateWriter"/>.</param>
/// <param name="Index">Number of the piece in its stretch.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Hash">XxHash128 of the bytes.</param>
internal readonly record struct Piece(int Cut, int Index, int Length, UInt128 Hash)
{
    /// <summary>Largest piece.</summary>
    public const int Bytes = 64 * 1024;

    /// <summary>Whether this is the piece at the same place, whatever is in it.</summary>
    public bool IsAt(in Piece other) => Cut == other.Cut && Index == other.Index;

    private bool IsBefore(in Piece other) => Cut != other.Cut ? Cut < other.Cut : Index < other.Index;

    /// <summary>Cuts what was written into pieces, in order, and adds them to a list.</summary>
    public static void Cut64(StateWriter writer, List<Piece> pieces)
    {
        ReadOnlySpan<byte> all = writer.Written;
        int start = 0;
        for (int cut = 0; cut <= writer.Cuts.Count; cut++)
        {
            int end = cut < writer.Cuts.Count ? writer.Cuts[cut] : all.Length;
            for (int index = 0; start < end; index++)
            {
                int length = Math.Min(Bytes, end - start);
                pieces.Add(new Piece(cut, index, length, XxHash128.HashToUInt128(all.Slice(start, length))));
                start += length;
            }
        }
    }

    /// <summary>Whether a piece is among the old ones as it is; <paramref name="at"/> goes along with the pieces in
    /// order.</summary>
    public static bool IsKnown(in Piece piece, List<Piece> old, ref int at)
    {
        while (at < old.Count && old[at].IsBefore(in piece))
        {
            at++;
        }

        return at < old.Count && old[at] == piece;
    }
}
