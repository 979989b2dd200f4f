// What is tried after a hang, and how it is told.
using System.Text.Json;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Cli.Advising;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Tests;

public class AdviceTests
{
    [Fact]
    public void Without_patches_all_of_them_and_the_halves_are_tried_first()
    {
        var tried = Remedies.For(Group("none")).ToArray();
        Assert.Equal(
            [("patches", "all"), ("patches", "3, 7, 8, 14"), ("patches", "3, 4, 7, 8, 9, 12, 14")],
            tried.Take(3).Select(remedy => remedy.Keys.Single()));
        Assert.Equal(
            ["min_free_kbytes", "slab", "nic.sg", "processes_per_cpu"],
            tried.Skip(3).Select(remedy => remedy.Keys[0].Key));
    }

    [Fact]
    public void One_missing_patch_is_named()
    {
        var tried = Remedies.For(Group("all - 14")).ToArray();
        Assert.Equal("with patch 14", tried[0].What);
        Assert.Equal("min_free_kbytes", tried[1].Keys[0].Key);
    }

    [Fact]
    public void With_all_patches_only_the_administrators_changes_are_left() =>
        Assert.DoesNotContain(Remedies.For(Group("all")), remedy => remedy.Keys[0].Key == "patches");

    [Fact]
    public void A_small_hang_is_followed_by_what_completes()
    {
        using var session = new Session(new PatchRunner());
        Assert.Equal(11, session.Run("--set", "blade.passes=1", "--set", "blade.patches=none"));
        var lines = session.Out.Split('\n');
        var first = Array.IndexOf(lines, "The same run with one change:");
        Assert.Equal("  completes in 6.50 s  --set blade.patches=all  (all sixteen patches)", lines[first + 1]);
        Assert.StartsWith("  deadlock at 2.00 s   --set 'blade.patches=3, 7, 8, 14'  (", lines[first + 2]);
        using var summary = JsonDocument.Parse(File.ReadAllText(Path.Combine(session.Latest, "summary.json")));
        var advice = summary.RootElement.GetProperty("advice");
        Assert.Equal("blade.patches=all", advice[0].GetProperty("set")[0].GetString());
        Assert.Equal("completed", advice[0].GetProperty("verdict").GetString());
    }

    [Theory]
    [InlineData("--no-advise", false)]
    [InlineData("--quiet", false)]
    [InlineData("--advise", true)]
    public void Options_decide_whether_it_is_tried(string option, bool tried)
    {
        var runner = new PatchRunner();
        using var session = new Session(runner);
        session.Run("--set", "blade.passes=1", "--set", "blade.patches=none", option);
        Assert.Equal(tried, runner.Runs > 1);
    }

    [Fact]
    public void A_run_that_does_not_hang_is_not_run_again()
    {
        var runner = new PatchRunner();
        using var session = new Session(runner);
        Assert.Equal(0, session.Run("--advise"));
        Assert.Equal(1, runner.Runs);
    }

    [Fact]
    public void Both_options_together_are_refused()
    {
        using var session = new Session(new PatchRunner());
        Assert.Equal(64, session.Run("--advise", "--no-advise"));
        Assert.Contains("--advise and --no-advise say the opposite", session.Error);
    }

    private static BladeGroup Group(string patches) =>
        ScenarioFile.Parse(Session.Small, "small.toml").Resolve(null, [$"blade.patches={patches}"]).Blades[0];

    // Completes with all patches, hangs without one.
    private sealed class PatchRunner : IRunner
    {
        private int _runs;

        public int Runs => _runs;

        public RunReport Run(RunRequest request, CancellationToken cancel)
        {
            Interlocked.Increment(ref _runs);
            var group = request.Scenario.Blades[0];
            var hangs = group.Rules.Patches != PatchSet.All;
            return new RunReport
            {
                Verdict = hangs ? Verdict.Deadlock : Verdict.Completed,
                Fingerprint = new string('0', 32),
                VirtualNs = 12_000_000_000,
                Messages = 1,
                Events = 1,
                Hang = hangs
                    ? new HangReport("node: deadlock.", []) { Blade = group.BladeName(0), SinceNs = 2_000_000_000 }
                    : null,
                Blades =
                [
                    new BladeReport
                    {
                        Name = group.BladeName(0),
                        UserNs = 1,
                        SystemNs = 1,
                        ElapsedNs = 6_500_000_000,
                        MinFreePages = 1,
                        WatermarkMin = 2,
                        WatermarkLow = 3,
                        WatermarkHigh = 4,
                    },
                ],
            };
        }
    }
}
