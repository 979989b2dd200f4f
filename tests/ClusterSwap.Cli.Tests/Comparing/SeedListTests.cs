// Seeds on the command line.
using ClusterSwap.Cli.Comparing;

namespace ClusterSwap.Cli.Tests.Comparing;

public class SeedListTests
{
    [Theory]
    [InlineData("3", "1-3")]
    [InlineData("1", "1")]
    [InlineData("5-8", "5-8")]
    [InlineData("1,3,7-9", "1, 3, 7-9")]
    [InlineData("0-1", "0-1")]
    [InlineData("9,2", "9, 2")]
    [InlineData("7,7-8", null)]
    [InlineData("0", null)]
    [InlineData("", null)]
    [InlineData("8-5", null)]
    [InlineData("1-2-3", null)]
    [InlineData("1,", null)]
    [InlineData("x", null)]
    [InlineData("1-10001", null)]
    [InlineData("99999999", null)]
    public void Seeds_are_a_number_of_them_a_range_or_a_list(string text, string? words)
    {
        if (words is null)
        {
            Assert.StartsWith("--seeds: ", Assert.Throws<UsageException>(() => SeedList.Parse(text)).Message);
        }
        else
        {
            Assert.Equal(words, SeedList.Words(SeedList.Parse(text)));
        }
    }
}
