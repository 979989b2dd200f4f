// Schedule strategies permute between sender-receiver pairs, never within one.
using ClusterSwap.Engine;

namespace ClusterSwap.Engine.Tests;

public sealed class StrategyTests
{
    private static UInt128 Run(ScheduleStrategy strategy, int threads = 1)
        => Toys.FingerprintAt(() => Toys.Phold(9, strategy: strategy, load: 30), 200_000, threads);

    [Fact]
    public void A_random_schedule_differs_from_fifo_and_repeats_by_its_seed()
    {
        UInt128 fifo = Run(ScheduleStrategy.Fifo);
        UInt128 first = Run(ScheduleStrategy.Random(1));
        Assert.NotEqual(fifo, first);
        Assert.Equal(first, Run(ScheduleStrategy.Random(1)));
        Assert.NotEqual(first, Run(ScheduleStrategy.Random(2)));
    }

    [Fact]
    public void A_random_schedule_is_the_same_on_two_threads()
        => Assert.Equal(Run(ScheduleStrategy.Random(4)), Run(ScheduleStrategy.Random(4), threads: 2));

    [Fact]
    public void A_random_schedule_keeps_the_order_of_every_pair_and_changes_that_between_pairs()
    {
        // Actors 1 and 2 send 0..19 to actor 3 each, at one instant; over some seeds their messages interleave in
        // many ways.
        var interleavings = new HashSet<string>();
        for (ulong seed = 0; seed < 20; seed++)
        {
            using Simulation simulation = Toys.Script(
                (actor, message) =>
                {
                    for (int i = 0; actor.Number is 1 or 2 && i < 20; i++)
                    {
                        actor.Context_.Send(3, new Work { Id = (actor.Number * 100) + i });
                    }
                },
                actors: 4,
                strategy: ScheduleStrategy.Random(seed));
            simulation.Post(0, 1, 1, new Token());
            simulation.Post(0, 1, 2, new Token());
            simulation.Run(new RunOptions { UntilNs = 2 });
            List<int> seen = simulation.Actor<ScriptActor>(0, 3).Inspect.Seen;
            Assert.Equal(Enumerable.Range(100, 20), seen.Where(id => id < 200));
            Assert.Equal(Enumerable.Range(200, 20), seen.Where(id => id >= 200));
            interleavings.Add(string.Concat(seen.Select(id => id / 100)));
        }

        Assert.True(interleavings.Count > 15, $"{interleavings.Count} interleavings of 20 seeds");
    }

    [Fact]
    public void What_one_event_leads_to_keeps_its_order_whatever_is_chosen()
    {
        // Actor 1 sends to 3, then to 2, which passes it on to 3: two pairs, but one course of things. A second event at
        // the same instant goes to actor 4 and on to 3.
        for (ulong seed = 0; seed < 20; seed++)
        {
            using Simulation simulation = Toys.Script(
                (actor, message) =>
                {
                    if (actor.Number == 1)
                    {
                        actor.Context_.Send(3, new Work { Id = 100 });
                        actor.Context_.Send(2, new Work { Id = 101 });
                    }
                    else if (actor.Number is 2 or 4)
                    {
                        actor.Context_.Send(3, new Work { Id = actor.Number * 100 });
                    }
                },
                actors: 5,
                strategy: ScheduleStrategy.Random(seed));
            simulation.Post(0, 1, 1, new Token());
            simulation.Post(0, 1, 4, new Token());
            simulation.Run(new RunOptions { UntilNs = 2 });
            Assert.Equal([100, 200], simulation.Actor<ScriptActor>(0, 3).Inspect.Seen.Where(id => id != 400));
        }
    }

    public static TheoryData<string> Descriptions =>
    [
        "fifo", "random(seed 42)", "pct(seed 42, depth 3, decisions 500)", "delay(seed 18446744073709551615, delays 2, decisions 500)",
        "replay(0:4=1/2 1:482=2/3)", "replay()", "random(seed 1) from 1500000 ns", "replay(1:0=1/2) from 10 ns",
    ];

    [Theory]
    [MemberData(nameof(Descriptions))]
    public void Strategies_say_what_they_are_and_are_read_back(string text)
        => Assert.Equal(text, StrategyText.Parse(text).Describe());

    [Theory]
    [InlineData("lifo")]
    [InlineData("random(42)")]
    [InlineData("random(seed -1)")]
    [InlineData("pct(seed 1, depth 0, decisions 5)")]
    [InlineData("pct(seed 1, depth 3, decisions 0)")]
    [InlineData("replay(1:2=3)")]
    [InlineData("replay(1:2=3/3)")]
    [InlineData("replay(1:2=1/3 1:2=2/3)")]
    [InlineData("random(seed 1) from x ns")]
    public void What_is_no_strategy_is_refused(string text)
        => Assert.Throws<FormatException>(() => StrategyText.Parse(text));

    public static TheoryData<string> Strategies =>
        ["random(seed 3)", "pct(seed 3, depth 4, decisions 200)", "delay(seed 3, delays 3, decisions 200)"];

    [Theory]
    [MemberData(nameof(Strategies))]
    public void A_schedule_repeats_and_its_trace_replays_it(string text)
    {
        UInt128 fifo = Run(ScheduleStrategy.Fifo);
        UInt128 first = Run(StrategyText.Parse(text));
        Assert.NotEqual(fifo, first);
        Assert.Equal(first, Run(StrategyText.Parse(text), threads: 2));

        var recording = new RecordingStrategy(StrategyText.Parse(text));
        Assert.Equal(first, Run(recording));
        Assert.NotEmpty(recording.Trace.Switches);
        ScheduleStrategy replay = ScheduleStrategy.Replay(ScheduleTrace.Parse(recording.Trace.ToString()));
        Assert.Equal(first, Run(replay));
        Assert.Null(replay.Divergence);
    }

    [Fact]
    public void Delays_are_as_few_as_was_said()
    {
        var recording = new RecordingStrategy(ScheduleStrategy.DelayBounded(5, 3, 200));
        Run(recording);
        Assert.All(recording.Trace.Switches.GroupBy(at => at.Host), host => Assert.InRange(host.Count(), 1, 3));
    }

    [Fact]
    public void A_replay_that_differs_says_where()
    {
        var recording = new RecordingStrategy(ScheduleStrategy.Fifo);
        Run(recording);
        Assert.Empty(recording.Trace.Switches);

        ScheduleStrategy wrong = ScheduleStrategy.Replay(ScheduleTrace.Parse("1:0=62/63"));
        Assert.Equal(Run(ScheduleStrategy.Fifo), Run(wrong));
        Assert.Matches("^decision 0 of host 1 had [0-9]+ choices, not 63$", wrong.Divergence);

        ScheduleStrategy late = ScheduleStrategy.Replay(ScheduleTrace.Parse("1:1000000=1/2"));
        Run(late);
        Assert.Matches("^host 1 came to [0-9]+ decisions and not to decision 1000000$", late.Divergence);
    }

    [Theory]
    [MemberData(nameof(Strategies))]
    public void What_a_strategy_remembers_survives_a_checkpoint(string text)
    {
        UInt128 whole = Run(new RecordingStrategy(StrategyText.Parse(text)));
        using Simulation first = Toys.Phold(9, strategy: new RecordingStrategy(StrategyText.Parse(text)), load: 30);
        first.Run(new RunOptions { UntilNs = 90_000 });
        using var stream = new MemoryStream();
        first.Checkpoint(stream);
        stream.Position = 0;

        var recording = new RecordingStrategy(StrategyText.Parse(text));
        using Simulation second = Toys.Phold(9, strategy: recording, load: 30);
        second.Restore(stream);
        Assert.Equal(whole, second.Run(new RunOptions { UntilNs = 200_000 }).Fingerprint);
        Assert.Equal(whole, Run(ScheduleStrategy.Replay(recording.Trace)));
    }

    [Fact]
    public void A_strategy_followed_from_a_snapshot_is_the_same_strategy_from_that_time_on()
    {
        using Simulation simulation = Toys.Phold(9, load: 30);
        simulation.Run(new RunOptions { UntilNs = 90_000 });
        Snapshot snapshot = simulation.TakeSnapshot();
        for (ulong seed = 1; seed <= 3; seed++)
        {
            simulation.Restore(snapshot, ScheduleStrategy.Random(seed));
            UInt128 followed = simulation.Run(new RunOptions { UntilNs = 200_000 }).Fingerprint;
            Assert.Equal(Run(ScheduleStrategy.Random(seed).From(90_000)), followed);
        }

        simulation.Restore(snapshot, ScheduleStrategy.Fifo);
        Assert.Equal(Run(ScheduleStrategy.Fifo), simulation.Run(new RunOptions { UntilNs = 200_000 }).Fingerprint);
    }
}
