// Swap readahead by virtual address: the window and what it follows.
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Kernel.Tests.Swap;

public class VmaReadaheadTests
{
    [Theory]
    [InlineData(4, 0, -2, 100, 8)]
    [InlineData(7, 8, 99, 100, 8)]
    [InlineData(2, 0, 0, 100, 4)]
    [InlineData(0, 0, 99, 100, 2)]
    [InlineData(0, 0, 101, 100, 2)]
    [InlineData(0, 0, 50, 100, 1)]
    [InlineData(0, 8, 50, 100, 4)]
    public void The_window_follows_the_hits_and_shrinks_by_halves(int hits, int window, int last, int vpn, int pages)
    {
        Assert.Equal(pages, AddressSpaces.ReadaheadPages(new ReadaheadInfo(last, window, hits), vpn, most: 8));
    }
}
