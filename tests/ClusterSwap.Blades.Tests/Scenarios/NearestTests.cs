// The nearest known name.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Tests.Scenarios;

public class NearestTests
{
    [Theory]
    [InlineData("vanila", "vanilla")]
    [InlineData("swapndb", "swapnbd")]
    [InlineData("SWAPNBD", "swapnbd")]
    [InlineData("vanillaslab", "vanilla-slab")]
    [InlineData("xyz", null)]
    [InlineData("", null)]
    public void The_name_with_the_fewest_edits_wins(string typed, string? meant) =>
        Assert.Equal(meant, Nearest.Name(typed, ["vanilla", "swapnbd", "vanilla-slab"]));

    [Fact]
    public void Of_equally_near_names_the_first_wins() => Assert.Equal("ab", Nearest.Name("aa", ["ab", "ac"]));

    [Fact]
    public void Nothing_known_is_nothing_near() => Assert.Null(Nearest.Name("a", []));
}
