// Calm: processes stop where user mode begins, traffic falls silent, and the kernel finishes what it is at.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Testing.Tests.Properties;

public sealed class CalmTests
{
    [Fact]
    public void Stopped_processes_touch_nothing_more_and_every_request_ends()
    {
        using Cluster cluster = Build(Deployments.Any(never: Feature.Blades).Draw(2));
        BladePlace place = cluster.Blades[0];
        var blade = new BladeStates(cluster.Simulation, place);
        RunTo(cluster, 25 * VirtualTime.Ms);
        var stopped = new StoppedProcesses(cluster.Simulation, place);
        cluster.Simulation.Host(place.Host).Interceptor = stopped;
        RunTo(cluster, 2 * VirtualTime.Second);
        Assert.Equal(blade.Processes, stopped.Tasks.Count);
        long[] touched = Touched(blade);
        RunTo(cluster, 3 * VirtualTime.Second);
        Assert.Equal(touched, Touched(blade));
        Assert.Equal(0, blade.Device.Queue.InFlight(write: true));

        // Nothing will wake them: who does not know that they were stopped takes that for a bug.
        Conservation.Check(cluster.Simulation, place, stopped.Tasks);
        Assert.Throws<InvalidOperationException>(() => Conservation.Check(cluster.Simulation, place));
    }

    [Fact]
    public void Silent_traffic_sends_no_more_datagrams()
    {
        Deployment deployment = Deployments.Any(never: ~Feature.Datagrams).Draw(4);
        Assert.True(deployment.Blades[0].Traffic.PacketsPerSecond > 0);
        using Cluster cluster = Build(deployment);
        RunTo(cluster, 10 * VirtualTime.Ms);
        for (int host = 0; host < cluster.Simulation.HostCount; host++)
        {
            cluster.Simulation.Host(host).Interceptor = new SilentTraffic();
        }

        RunTo(cluster, 15 * VirtualTime.Ms);
        long arrived = Arrived(cluster);
        Assert.True(arrived > 0);
        RunTo(cluster, 35 * VirtualTime.Ms);
        Assert.Equal(arrived, Arrived(cluster));
    }

    private static Cluster Build(Deployment deployment) =>
        ClusterBuilder.Build(deployment.ToScenario(), deployment.Seed);

    private static void RunTo(Cluster cluster, long untilNs) =>
        cluster.Simulation.Run(new RunOptions { UntilNs = untilNs, InvariantInterval = 0 });

    private static long Arrived(Cluster cluster) => cluster.Simulation.Actor<Bystander>(
        cluster.Blades[0].Host, BladeActors.Bystanders(cluster.Blades[0].Spec.UserTasks)).Inspect.Arrived;

    private static long[] Touched(BladeStates blade) =>
        [.. Enumerable.Range(0, blade.Processes).Select(process => blade.Process(process).Workload!.Touched)];
}
