// What is said of a sum of changes that cannot be read.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Tests.Scenarios;

public sealed class ChangeSpellingTests
{
    [Theory]
    [InlineData("auto-highatomic", "auto - highatomic")]
    [InlineData("auto-highatomc", "auto - highatomic")]
    [InlineData("auto+rx-head-reserve", "auto + rx-head-reserve")]
    [InlineData("auto -highatomic", "auto - highatomic")]
    [InlineData("auto - highatomic-min-reserve", "auto - highatomic - min-reserve")]
    public void Signs_without_blanks_are_told_with_what_was_meant(string text, string meant)
    {
        var error = Refused(text);
        Assert.Contains("a sign needs blanks around it", error);
        Assert.Contains($"Did you mean \"{meant}\"?", error);
    }

    [Theory]
    [InlineData("auto - highatomc", "auto - highatomic")]
    [InlineData("auto - rx-fragment-tags", "auto - rx-fragment-tag")]
    public void A_mistyped_name_is_told_with_the_nearest_one(string text, string meant)
    {
        var error = Refused(text);
        Assert.DoesNotContain("blanks", error);
        Assert.Contains($"Did you mean \"{meant}\"?", error);
    }

    [Fact]
    public void A_name_that_resembles_none_is_only_refused() =>
        Assert.DoesNotContain("Did you mean", Refused("auto - swappiness"));

    private static string Refused(string changes) => Assert.Throws<ScenarioException>(() => ScenarioFile
        .Load(Path.Combine(ScenarioFolder.Repository, "config", "studies", "real-kernel.toml"))
        .Resolve(null, [$"blade.changes={changes}"])).Message;
}
