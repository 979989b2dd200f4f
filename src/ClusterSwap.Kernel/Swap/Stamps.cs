// What a page should contain: a value made from its address and the number of the write.
namespace ClusterSwap.Kernel.Swap;

/// <summary>
/// Contents of pages, a word each. Version 0 is a page that was never written (zeroes); the n-th write of a page gives
/// version n. A lost write, a lost page or two mixed-up pages show as a stamp that is not the expected one.
/// </summary>
public static class Stamps
{
    internal const uint PerPage = 0x9E37_79B1;

    private const uint PerVersion = 0x85EB_CA77;

    /// <summary>
    /// The stamp of blade-wide virtual page <paramref name="vpn"/> after write <paramref name="version"/>.
    /// </summary>
    public static uint Of(int vpn, uint version) =>
        version == 0 ? 0 : unchecked(((uint)vpn + 1) * PerPage + version * PerVersion);
}
