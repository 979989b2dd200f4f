// Counterexamples as files.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Tests.Counterexamples;

public sealed class CounterexampleFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    private static Counterexample Example { get; } = new()
    {
        Scenario = Tiny.Scenario("no14"),
        Strategy = "replay(1:3=1/2) from 250000 ns",
        Verdict = Verdict.Deadlock,
        AtNs = 3_000_000,
        Fingerprint = "0123",
        Steps = ["a step"],
        Story = ["one", "two \"quoted\""],
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_gives_back_what_was_written()
    {
        var path = Path.Combine(_folder, "x.json");
        File.WriteAllText(path, Example.ToJson());

        var read = Counterexample.Load(path);

        Assert.Equal(Example with { Story = [], Steps = [] }, read with { Story = [], Steps = [] });
        Assert.Equal(Example.Steps, read.Steps);
        Assert.Equal(Example.Story, read.Story);
    }

    [Theory]
    [InlineData("tiny.toml", "random")]
    [InlineData("tiny.toml", "pct:3")]
    [InlineData("exhaustive.toml", "random")]
    public void Every_schedule_is_the_same_again_from_its_text_alone(string file, string strategy)
    {
        // The long version, in new processes: Benchmarks -- --explore-repeats.
        const int Schedules = 10;
        using var runner = new ScheduleRunner(Tiny.Of(file, "no14"), 1);
        var pressure = Pressure.Find(runner, ScheduleLimits.None);
        for (ulong number = 1; number <= Schedules; number++)
        {
            var order = StrategyKind.Parse(strategy)!.For(number, pressure.Decisions);
            var example = CounterexampleFinder.Record(runner, pressure.From, order, long.MaxValue, CancellationToken.None);
            var path = Path.Combine(_folder, $"{number}.json");
            File.WriteAllText(path, example.ToJson());

            var again = Counterexample.Load(path).Reproduce();

            Assert.True(again.Same, $"schedule {number}: {example.Verdict}, then {again.Found}; {again.Divergence}");
            Assert.Null(again.Divergence);
        }
    }

    [Theory]
    [InlineData("\"schema\": 1", "\"schema\": 2", "its schema is 2")]
    [InlineData("\"deadlock\"", "\"stuck\"", "\"stuck\" is no verdict")]
    [InlineData("1:3=1/2", "1:3=2/2", "switch 1:3=2/2 cannot be")]
    [InlineData("\"at_ns\"", "\"at\"", "at")]
    [InlineData("seed = 1", "seed = -1", "seed")]
    public void A_file_that_is_none_is_refused_with_the_reason(string old, string fresh, string reason)
    {
        var path = Path.Combine(_folder, "x.json");
        var text = Example.ToJson();
        Assert.Contains(old, text, StringComparison.Ordinal);
        File.WriteAllText(path, text.Replace(old, fresh, StringComparison.Ordinal));

        var error = Assert.Throws<CounterexampleException>(() => Counterexample.Load(path));

        Assert.StartsWith($"{path} is no counterexample of schema 1: ", error.Message, StringComparison.Ordinal);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_refused() =>
        Assert.Contains("cannot be read", Assert.Throws<CounterexampleException>(
            () => Counterexample.Load(Path.Combine(_folder, "none.json"))).Message, StringComparison.Ordinal);

    [Fact]
    public void Another_end_than_the_recorded_one_is_told()
    {
        var again = Example.Reproduce();

        Assert.False(again.Same);
        Assert.NotEqual("0123", again.Found.Fingerprint);
    }
}
