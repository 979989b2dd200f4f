// Properties over drawn deployments: what holds, what fails and is made small, and what says nothing.
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Testing.Tests.Properties;

public sealed class PropertyTests
{
    [Fact]
    public void With_all_patches_every_waiter_gets_on_in_the_first_deployments_under_drawn_schedules_too()
    {
        var printed = new List<string>();
        DeadlockProperty.Of(Deployments.Any()).With(
            sometimes: Goal.Pressure | Goal.Reserve, schedules: 1, print: printed.Add).Holds(deployments: 12);
        Assert.Equal(12, printed.Count);
        Assert.StartsWith("1: seed 1, ", printed[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Without_patches_a_hang_is_found_and_made_small()
    {
        var failed = Assert.Throws<PropertyFailedException>(
            () => DeadlockProperty.Of(Deployments.Any("none")).With(known: [HangCause.None]).Holds(deployments: 10));
        Assert.Equal((Outcome.Deadlock, HangCause.SenderLoops), (failed.Smallest.Outcome, failed.Smallest.Cause));
        Assert.True(failed.Smallest.Deployment.BladeCount == 1, failed.Message);
        Assert.True(failed.Smallest.Deployment.Processes <= 4, failed.Message);
        Assert.Contains("the NBD sender holds tx_lock and the socket", failed.Message, StringComparison.Ordinal);
        Assert.Contains("[blades.blade-a]", failed.Message, StringComparison.Ordinal);

        // The counterexample is a deployment: the patch that was missing mends it.
        BladeDraw blade = failed.Smallest.Deployment.Blades[0] with { Patches = "all" };
        Deployment mended = failed.Smallest.Deployment with { Blades = new([blade]) };
        Assert.Equal(Outcome.GotOn, new PressureThenCalm().Run(mended).Outcome);
    }

    [Fact]
    public void A_sample_that_never_reached_its_goal_does_not_pass()
    {
        var unknown = Assert.Throws<PropertyUnknownException>(() => DeadlockProperty.Of(Deployments.Any("all - 15"))
            .With(sometimes: Goal.Pressure | Goal.Throttle).Holds(deployments: 3));
        Assert.Equal(Goal.Throttle, unknown.Missing);
        Assert.StartsWith("unknown: no deployment of 3 reached the throttle", unknown.Message);
    }

    [Fact]
    public void The_same_deployment_ends_the_same_and_says_what_it_reached()
    {
        Deployment deployment = Deployments.Any().Draw(1);
        Finding first = new PressureThenCalm().Run(deployment);
        Finding second = new PressureThenCalm().Run(deployment);
        Assert.Equal((Outcome.GotOn, first.Fingerprint), (second.Outcome, second.Fingerprint));
        Assert.True(first.Goals.HasFlag(Goal.Pressure | Goal.Reserve));
    }

    /// <summary>Found by the campaign (docs/studies/drawn-deployments.md), each by its number.</summary>
    [Theory]
    [InlineData(101, Outcome.Deadlock, HangCause.HeadersRefused)]
    [InlineData(113, Outcome.Deadlock, HangCause.ReserveUsedUp)]
    public void The_gaps_of_3_6_that_were_found_are_there(ulong number, Outcome outcome, HangCause cause)
    {
        Finding finding = new PressureThenCalm().Run(Deployments.Any().Draw(number));
        Assert.Equal((outcome, cause), (finding.Outcome, finding.Cause));
        DeadlockProperty.Of(Deployments.Any()).With(known: [cause]).Holds(deployments: 1, first: number);
    }

    [Fact]
    public void Faults_that_end_with_the_pressure_leave_nobody_waiting()
    {
        var kinds = new HashSet<string>();
        for (ulong number = 1; number <= 16; number++)
        {
            Deployment deployment = Deployments.WithFaults().Draw(number);
            Finding finding = new PressureThenCalm().Run(deployment);

            // A server that restarts takes the swap device with it: what cannot be written may end in the OOM killer.
            bool mayRunOut = deployment.Fault!.Kind == "server-restart" && finding.Outcome == Outcome.Oom;
            Assert.True(finding.Outcome == Outcome.GotOn || mayRunOut, $"{deployment}: {finding.Story.FirstOrDefault()}");
            kinds.Add(deployment.Fault!.Kind);
        }

        Assert.True(kinds.Count >= 6, string.Join(", ", kinds));
    }

    [Fact]
    public void The_gap_in_the_headers_is_closed_by_the_header_from_the_reserve()
    {
        Deployment found = Deployments.Any().Draw(181);
        BladeDraw blade = found.Blades[0] with { Changes = "auto + rx-head-reserve" };
        Assert.Equal(Outcome.GotOn, new PressureThenCalm().Run(found with { Blades = new([blade]) }).Outcome);
    }
}
