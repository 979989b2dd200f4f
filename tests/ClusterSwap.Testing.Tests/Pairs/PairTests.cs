// What one patch prevents: pairs that the campaign found (docs/studies/without-one-patch.md), run again.
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Pairs;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Testing.Tests.Pairs;

public sealed class PairTests : IDisposable
{
    // A knot is final: it is seen after a fifth of a second without progress as well as after ten.
    private static readonly PressureThenCalm s_quick = new() { SuspicionNs = VirtualTime.Second / 5 };

    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    /// <summary>The files beside this test.</summary>
    public static TheoryData<string> Files() => [.. Names()];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Files))]
    public void With_all_patches_it_gets_on_and_without_one_it_does_what_the_facts_predict(string name)
    {
        PairCounterexample recorded = Load(name);
        PairedFinding pair = recorded.Reproduce(s_quick);
        Assert.Equal(Outcome.GotOn, pair.With.Finding.Outcome);
        Assert.True(recorded.IsShownBy(pair), $"{recorded.Told}: {pair.Without.Finding.Story.FirstOrDefault()}");
        Assert.Equal(
            (recorded.Without.Outcome, recorded.Without.Cause),
            (pair.Without.Finding.Outcome, pair.Without.Finding.Cause));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_pair_is_small_its_steps_are_few_and_most_seeds_show_it(string name)
    {
        PairCounterexample recorded = Load(name);
        Assert.Equal(name, recorded.Prediction);
        Assert.InRange(recorded.Deployment.BladeCount, 1, 2);
        Assert.InRange(recorded.Deployment.Processes, 1, 4);
        Assert.InRange(recorded.Steps.Count, 3, PairSteps.Most);
        Assert.True(2 * recorded.Seeds.Shown >= recorded.Seeds.Tried, recorded.Seeds.ToString());
        Assert.Equal(0, recorded.Seeds.Contrary);
    }

    [Fact]
    public void There_is_a_pair_for_each_patch_that_the_predictions_speak_of() => Assert.Equal(
        Predictions.All.Select(prediction => prediction.Patch).Distinct(),
        Names().Select(Load).Select(
            pair => Predictions.All.Single(prediction => prediction.Name == pair.Prediction).Patch).Distinct().Order());

    [Theory]
    [MemberData(nameof(Files))]
    public void The_page_shows_the_steps_of_each_pair(string name)
    {
        PairCounterexample recorded = Load(name);
        string page = File.ReadAllText(Path.Combine(Root, "docs", "studies", "without-one-patch.md"));
        Assert.Contains(string.Join('\n', recorded.Steps), page, StringComparison.Ordinal);
        Assert.Contains($"{recorded.Seeds.Shown} of {recorded.Seeds.Tried}", page, StringComparison.Ordinal);
    }

    // Facts 9.1: without 8 nobody can be privileged, so that 9, 12 and 14 have nothing to act on.
    [Fact]
    public void Without_patch_8_it_is_the_same_run_as_without_8_9_12_and_14()
    {
        PairCounterexample recorded = Load("without-8");
        Finding one = s_quick.Run(PairedFinding.AllBut(recorded.Deployment, 8));
        Finding all = s_quick.Run(
            PairedFinding.WithPatches(recorded.Deployment, "1, 2, 3, 4, 5, 6, 7, 10, 11, 13, 15, 16"));
        Assert.Equal(one.Fingerprint, all.Fingerprint);
    }

    [Fact]
    public void A_pair_that_is_searched_is_made_smaller_and_shows_the_same()
    {
        Prediction prediction = Predictions.All.Single(known => known.Name == "without-12-tap");
        var search = new PairSearch(prediction, s_quick);
        Deployment drawn = prediction.Draws.Draw(265);
        Assert.NotEqual(new LinkDraw(), drawn.Blades[0].Link);
        Deployment smaller = search.Smallest(drawn, ScheduleStrategy.Fifo, triesMax: 4);
        Assert.Equal(new LinkDraw(), smaller.Blades[0].Link);
        Assert.True(smaller.Blades[0].Traffic.Tap);
        Assert.Equal(PairVerdict.Shown, search.Judge(smaller, ScheduleStrategy.Fifo));
    }

    [Fact]
    public void A_file_gives_back_what_was_written()
    {
        PairCounterexample recorded = Load("without-14");
        string path = Path.Combine(_folder, "x.json");
        File.WriteAllText(path, recorded.ToJson());
        Assert.Equal(File.ReadAllText(Path.Combine(Folder, "without-14.json")), File.ReadAllText(path));
        Assert.Equal(recorded.Deployment, PairCounterexample.Load(path).Deployment);
    }

    [Theory]
    [InlineData("\"schema\": 1", "\"schema\": 2", "its schema is 2")]
    [InlineData("without-14\"", "without-17\"", "\"without-17\" is no prediction")]
    [InlineData("\"fifo\"", "\"lifo\"", "lifo")]
    [InlineData("\"ram_mib\"", "\"ram\"", "ram")]
    [InlineData("\"slub\"", "\"slob\"", "slob")]
    public void A_file_that_is_none_is_refused_with_the_reason(string old, string fresh, string reason)
    {
        string text = File.ReadAllText(Path.Combine(Folder, "without-14.json"));
        Assert.Contains(old, text, StringComparison.Ordinal);
        string path = Path.Combine(_folder, "x.json");
        File.WriteAllText(path, text.Replace(old, fresh, StringComparison.Ordinal));
        var error = Assert.Throws<CounterexampleException>(() => PairCounterexample.Load(path));
        Assert.StartsWith($"{path} is no pair of schema 1: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    private static string Root { get; } = FindRoot();

    private static string Folder { get; } = Path.Combine(Root, "tests", "ClusterSwap.Testing.Tests", "Pairs");

    private static IEnumerable<string> Names() => Directory.EnumerateFiles(Folder, "*.json")
        .Order(StringComparer.Ordinal).Select(path => Path.GetFileNameWithoutExtension(path));

    private static PairCounterexample Load(string name) =>
        PairCounterexample.Load(Path.Combine(Folder, name + ".json"));

    private static string FindRoot()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ClusterSwap.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
