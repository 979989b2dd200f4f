// What a page should contain: a value made from its address and the number of the write.
using System.Numerics;

namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// Contents of pages, a word each. Version 0 is a page that was never written (zeroes); the n-th write of a page gives
/// version n. A lost write, a lost page or two mixed-up pages show as a stamp that is not the expected one.
/// </summary>
public static class Stamps
{
    internal const uint PerPage = 0x9E37_79B1;

    private const uint PerVersion = 0x85EB_CA77;

    // PerPage times this is 1, modulo 2^32.
    private const uint PerPageInverse = 0x0E8B_2F51;

    /// <summary>
    /// The stamp of blade-wide virtual page <paramref name="vpn"/> after write <paramref name="version"/>.
    /// </summary>
    public static uint Of(int vpn, uint version) =>
        version == 0 ? 0 : unchecked(((uint)vpn + 1) * PerPage + version * PerVersion);

    /// <summary>
    /// Another word for the same stamp: pages that follow one another, written equally often, have words that do. Stamps
    /// look random, and so cannot be compressed; these can.
    /// </summary>
    public static uint Unmix(uint stamp) => unchecked(stamp * PerPageInverse);

    /// <summary>The stamp for which <see cref="Unmix(uint)"/> gives a word.</summary>
    public static uint Mix(uint unmixed) => unchecked(unmixed * PerPage);

    /// <summary>Unmixes many; both are of one length.</summary>
    public static void Unmix(ReadOnlySpan<uint> stamps, Span<uint> unmixed) => Multiply(stamps, PerPageInverse, unmixed);

    /// <summary>Mixes many; both are of one length.</summary>
    public static void Mix(ReadOnlySpan<uint> unmixed, Span<uint> stamps) => Multiply(unmixed, PerPage, stamps);

    private static void Multiply(ReadOnlySpan<uint> words, uint factor, Span<uint> products)
    {
        var at = 0;
        for (; at <= words.Length - Vector<uint>.Count; at += Vector<uint>.Count)
        {
            (new Vector<uint>(words[at..]) * factor).CopyTo(products[at..]);
        }

        for (; at < words.Length; at++)
        {
            products[at] = unchecked(words[at] * factor);
        }
    }
}
