// Drawn deployments: all of them can be, all differ, and each is the same in every process.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Testing.Tests.Properties;

public sealed class DeploymentTests
{
    [Fact]
    public void Every_drawn_deployment_is_a_scenario_that_the_program_accepts()
    {
        for (ulong number = 1; number <= 300; number++)
        {
            Deployment deployment = Deployments.Any().Draw(number);
            Scenario scenario = ScenarioFile.Parse(deployment.ToToml(), "drawn.toml").Resolve();
            Assert.Equal(deployment.ToScenario(), scenario);
            Assert.Equal(deployment.BladeCount, scenario.BladeCount);
            Assert.Equal(deployment.Processes, scenario.Blades.Sum(group => group.Count * group.Processes));
            Assert.Equal(number, scenario.Seed);
        }
    }

    [Fact]
    public void A_number_draws_the_same_deployment_in_every_process()
    {
        Assert.Equal(
            "seed 7, 40 ms of pressure, 1 x 30 MiB, 2 CPUs x 2 processes on 45 MiB, slub, patches all "
            + "[Servers, Reserve, OtherCard, NoGather, Datagrams, Arp, SlowServer, ColdSlabs]",
            Deployments.Any().Draw(7).ToString());
        Assert.Equal(Deployments.Any().Draw(8), Deployments.Any().Draw(8));
        Assert.NotEqual(Deployments.Any().Draw(7), Deployments.Any().Draw(8));
    }

    [Fact]
    public void Every_feature_is_on_in_some_and_off_in_some()
    {
        Deployment[] drawn = [.. Enumerable.Range(1, 60).Select(number => Deployments.Any().Draw((ulong)number))];
        foreach (Feature feature in Enum.GetValues<Feature>().Where(feature => feature != Feature.None))
        {
            Assert.InRange(drawn.Count(deployment => deployment.Features.HasFlag(feature)), 10, 50);
        }
    }

    [Fact]
    public void Features_that_are_never_on_are_off_and_what_is_asked_for_is_there()
    {
        for (ulong number = 1; number <= 40; number++)
        {
            Deployment deployment = Deployments.Any("all - 14", "slab", ~Feature.Zones).Draw(number);
            Assert.Equal(1, deployment.BladeCount);
            TrafficDraw traffic = deployment.Blades[0].Traffic;
            Assert.Equal(new TrafficDraw(PacketBytes: traffic.PacketBytes), traffic);
            Assert.Equal(("all - 14", "slab"), (deployment.Blades[0].Patches, deployment.Blades[0].Slab));
        }
    }

    [Fact]
    public void Smaller_deployments_are_smaller_and_can_be()
    {
        Deployment large = Deployments.Any().Draw(14);
        Deployment[] smaller = [.. SmallerDeployments.Of(large)];
        Assert.NotEmpty(smaller);
        Assert.All(smaller, deployment =>
        {
            Assert.NotEqual(large, deployment);
            Assert.True(deployment.BladeCount <= large.BladeCount && deployment.Processes <= large.Processes);
            deployment.ToScenario();
        });
    }
}
