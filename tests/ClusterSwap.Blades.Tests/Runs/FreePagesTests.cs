// Free pages over a run, as its report has them.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests.Runs;

public sealed class FreePagesTests
{
    [Fact]
    public void The_samples_reach_from_start_to_end_and_have_the_fewest_pages_of_the_run()
    {
        var report = Quick.Run(Quick.Of("swapnbd", "blade.passes=1"));
        var blade = report.Blades[0];

        Assert.Equal(blade.MinFreePages, blade.FreePages.Min(sample => sample.LeastPages));
        Assert.Equal(report.VirtualNs, blade.FreePages[^1].EndNs);
        Assert.All(blade.FreePages, sample => Assert.True(sample.LeastPages <= sample.LastPages));
        var ends = blade.FreePages.Select(sample => sample.EndNs).ToArray();
        Assert.Equal(ends.Order().Distinct(), ends);
    }

    [Fact]
    public void A_hang_keeps_its_moment_and_the_resolution_of_what_led_to_it()
    {
        var report = Quick.Run(Quick.Of("vanilla"));
        var samples = report.Blades[0].FreePages;

        Assert.Equal(report.Blades[0].LastProgressNs, report.Hang!.SinceNs);
        Assert.Equal("blade", report.Hang.Blade);
        Assert.True(samples.Count(sample => sample.EndNs <= report.Hang.SinceNs) > 100);
        Assert.True(samples[^1].EndNs - samples[^2].EndNs > 5_000_000_000, "the stall is one interval");
    }

    [Fact]
    public void A_restored_run_has_the_samples_of_the_whole_run()
    {
        var scenario = Quick.Of("swapnbd", "blade.passes=1", "barrier_interval=\"100 ms\"");
        var file = Path.GetTempFileName();
        try
        {
            var request = new RunRequest { Scenario = scenario, Variant = "swapnbd", Seed = 1 };
            var runner = new BladeRunner { InvariantInterval = 1 };
            var whole = runner.Run(request with { CheckpointFile = file, CheckpointAtNs = 500_000_000 }, default);
            var restored = runner.Run(request with { RestoreFile = file }, default);
            Assert.Equal(whole.Fingerprint, restored.Fingerprint);
            Assert.Equal<FreePagesSample>(whole.Blades[0].FreePages, restored.Blades[0].FreePages);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
