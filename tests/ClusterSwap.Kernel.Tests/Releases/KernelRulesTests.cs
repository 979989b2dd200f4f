namespace ClusterSwap.Kernel.Tests.Releases;

/// <summary>Releases, and changes added or taken out.</summary>
public sealed class KernelRulesTests
{
    [Fact]
    public void A_release_has_the_patches_and_the_changes_up_to_it()
    {
        Assert.Equal(PatchSet.None, KernelRules.Of(Era.Linux35).Patches);
        Assert.Equal(PatchSet.All, KernelRules.Of(Era.Linux36).Patches);
        Assert.Equal(PatchSet.All, KernelRules.Of(Era.Linux61).Patches);
        Assert.False(KernelRules.Of(Era.Linux36).Has(KernelChange.WatermarkScaleFactor));
        Assert.True(KernelRules.Of(Era.Linux61).Has(KernelChange.WatermarkScaleFactor));
    }

    [Fact]
    public void The_list_of_changes_is_in_the_order_of_their_numbers_and_names_each_once()
    {
        Assert.Equal(Enum.GetValues<KernelChange>(), KernelChanges.All.Select(info => info.Change));
        Assert.Equal(KernelChanges.All.Count, KernelChanges.All.Select(info => info.Name).Distinct().Count());
        Assert.All(KernelChanges.All, info => Assert.False(string.IsNullOrWhiteSpace(info.Meaning)));
    }

    [Fact]
    public void Changes_are_read_as_sums_of_names()
    {
        Assert.Equal(ChangeSet.Of(Era.Linux61), Read("auto"));
        Assert.False(Read("auto - watermark-scale-factor").Has(KernelChange.WatermarkScaleFactor));
        Assert.Equal(ChangeSet.None.With(KernelChange.WatermarkScaleFactor), Read("none + watermark-scale-factor"));
        Assert.Equal(ChangeSet.None, Read("none"));
    }

    [Fact]
    public void A_set_is_read_back_from_its_text() =>
        Assert.Equal(ChangeSet.Of(Era.Linux61), Read(ChangeSet.Of(Era.Linux61).ToString()));

    [Fact]
    public void A_name_that_is_none_is_refused()
    {
        Assert.False(ChangeSet.TryParse("auto - swappiness", Era.Linux61, out _, out var error));
        Assert.Contains("'swappiness' is no change", error);
    }

    private static ChangeSet Read(string text)
    {
        Assert.True(ChangeSet.TryParse(text, Era.Linux61, out var changes, out var error), error);
        return changes;
    }
}
