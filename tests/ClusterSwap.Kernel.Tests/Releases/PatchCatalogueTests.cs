namespace ClusterSwap.Kernel.Tests.Releases;

public class PatchCatalogueTests
{
    [Fact]
    public void Sixteen_patches_stand_in_their_order_and_each_says_everything()
    {
        Assert.Equal(Enumerable.Range(1, PatchSet.Count), PatchCatalogue.All.Select(info => info.Number));
        Assert.All(PatchCatalogue.All, info =>
        {
            Assert.All(
                new[] { info.Name, info.Title, info.Rule, info.Without, info.Prediction },
                text => Assert.False(string.IsNullOrWhiteSpace(text)));
            Assert.DoesNotContain(info.Number, info.Needs);
            Assert.Subset(info.Needs.ToHashSet(), info.IdleWithout.ToHashSet());
        });
    }

    [Fact]
    public void Only_commits_that_were_seen_are_given_without_a_doubt()
    {
        Assert.Equal("5515061d22f0", PatchCatalogue.Info(15).CommitText);
        Assert.Equal("7f338fe4 (unverified)", PatchCatalogue.Info(14).CommitText);
        Assert.Equal("unverified", PatchCatalogue.Info(3).CommitText);
        Assert.Equal([1, 2, 5, 6, 9, 10, 15], PatchCatalogue.All.Where(info => info.CommitSeen).Select(info => info.Number));
    }

    [Theory]
    [InlineData("all")]
    [InlineData("none")]
    [InlineData("1")]
    [InlineData("3, 7, 8, 14")]
    public void A_set_that_has_all_it_needs_gets_no_notice(string patches) => Assert.Empty(Notices(patches));

    [Theory]
    [InlineData("14", "patch 14 has no effect: it needs 3 and 8")]
    [InlineData("all - 15", "patch 16 has no effect: it needs 15")]
    [InlineData("3, 4, 9, 12", "patch 9 has only a part of its effect: it needs 8")]
    [InlineData("13", "patch 13 has no effect: it needs 1 and 9")]
    public void A_set_that_lacks_something_says_what_that_means(string patches, string notice) =>
        Assert.Equal([notice], Notices(patches));

    [Fact]
    public void There_is_no_patch_17() => Assert.Throws<ArgumentOutOfRangeException>(() => PatchCatalogue.Info(17));

    private static string[] Notices(string text)
    {
        Assert.True(PatchSet.TryParse(text, out var patches, out var error), error);
        return [.. PatchCatalogue.Notices(patches)];
    }
}
