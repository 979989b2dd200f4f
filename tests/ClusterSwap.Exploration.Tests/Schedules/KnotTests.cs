// A knot that is seen after two milliseconds is one for ever.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Tests.Schedules;

public sealed class KnotTests
{
    [Theory]
    [InlineData("no14")]
    [InlineData("vanilla")]
    public void A_knot_seen_early_is_still_there_later(string variant)
    {
        // Goal: an early look must not take a stall that ends for a hang. Every deadlock found is run on, past what
        // TCP's shortest timers could still change.
        const long MuchLaterNs = 500_000_000;
        using var runner = new ScheduleRunner(Tiny.Scenario(variant), 1);
        var pressure = Pressure.Find(runner, ScheduleLimits.None);
        var hung = 0;
        for (ulong seed = 1; hung < 2; seed++)
        {
            var outcome = runner.Run(pressure.From, ScheduleStrategy.Random(seed), ScheduleLimits.None);
            if (outcome.Verdict != Verdict.Deadlock)
            {
                continue;
            }

            hung++;
            var progressNs = runner.Blades[0].Blade.ProgressNs;
            runner.RunTo(outcome.AtNs + MuchLaterNs);
            Assert.Equal(progressNs, runner.Blades[0].Blade.ProgressNs);
            Assert.True(runner.Blades[0].Unfinished() > 0);
        }
    }
}
