// Each safety monitor sees its invariant break, on a blade whose state the test has doctored, and sees none before.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Testing.Tests.Properties;

public sealed class MonitorTests : IDisposable
{
    private readonly Cluster _cluster;
    private readonly BladeStates _blade;

    public MonitorTests()
    {
        var blade = new BladeDraw
        {
            Slab = "slab",
            Nic = new NicDraw(RxPath: "paged"),
            Traffic = new TrafficDraw(Sockets: 1, Stalled: 1, PacketsPerSecond: 10_000),
        };
        var deployment = new Deployment
        {
            Seed = 3,
            Features = Feature.None,
            PressureMs = 20,
            Blades = new([blade]),
            Servers = new([new ServerDraw()]),
        };
        _cluster = ClusterBuilder.Build(deployment.ToScenario(), deployment.Seed);
        _cluster.Simulation.Run(new RunOptions { UntilNs = 25 * VirtualTime.Ms });
        _blade = new BladeStates(_cluster.Simulation, _cluster.Blades[0]);
        Assert.Null(Broken());
    }

    [Fact]
    public void A_kernel_thread_in_the_throttle_is_seen()
    {
        _blade.Blade.Throttled[0].Add(BladeTasks.NbdSender);
        AssertBroken("kernel threads are never throttled");
    }

    [Fact]
    public void A_page_of_the_reserve_in_other_hands_is_seen()
    {
        PageOf(PageOwner.Anon).Set(PageFlags.FromReserve);
        AssertBroken("a page of the reserve belongs to");
    }

    [Fact]
    public void A_reserve_that_is_counted_wrong_is_seen()
    {
        PageOf(PageOwner.RxFragment).Flags ^= PageFlags.FromReserve;
        AssertBroken("the reserve in use is what");
    }

    [Fact]
    public void A_tagged_packet_in_an_ordinary_socket_is_seen()
    {
        Fifo<SkBuff> queue = Socket().Queue;
        Assert.True(queue.Count > 0);
        queue[0].PfMemAlloc = true;
        AssertBroken("a tagged packet never lies in an ordinary socket");
    }

    [Fact]
    public void A_page_of_the_reserve_in_an_ordinary_socket_is_seen_also_without_a_tag()
    {
        int page = Socket().Queue[0].Fragment;
        ref PageFrame frame = ref _blade.Memory.Pages.Frames[page];
        frame.Set(PageFlags.FromReserve);
        SafetyMonitor monitor = SafetyMonitors.All.Single(m => m.Name.StartsWith("ordinary sockets hold no"));
        Assert.True(monitor.IsFor(_blade));
        Assert.Equal("they hold 1", monitor.Look(_cluster.Simulation, _blade));
    }

    [Fact]
    public void A_mempool_that_dips_into_the_reserve_is_seen_and_so_is_a_tagged_slab()
    {
        ref PageFrame bio = ref SlabOf("bio-0");
        bio.Set(PageFlags.SlabPfMemAlloc);
        AssertBroken("with SLAB no object of a tagged slab");
        bio.Set(PageFlags.FromReserve);
        SafetyMonitor monitor = SafetyMonitors.All.Single(m => m.Name.StartsWith("swap's own"));
        Assert.Contains("bio-0 came from it", monitor.Look(_cluster.Simulation, _blade), StringComparison.Ordinal);
    }

    [Fact]
    public void A_monitor_is_silent_on_a_kernel_without_what_it_presupposes()
    {
        SafetyMonitor throttle = SafetyMonitors.All[0];
        Assert.Equal([15], throttle.Presupposes);
        using Cluster other = ClusterBuilder.Build(
            Deployments.Any("all - 15", never: ~Feature.None).Draw(1).ToScenario(), 1);
        Assert.False(throttle.IsFor(new BladeStates(other.Simulation, other.Blades[0])));
        Assert.True(throttle.IsFor(_blade));
    }

    public void Dispose() => _cluster.Dispose();

    private string? Broken() => SafetyMonitor.FirstBroken(_cluster.Simulation, _blade);

    private void AssertBroken(string name) => Assert.Contains(name, Broken() ?? "nothing", StringComparison.Ordinal);

    private UdpSocket Socket() => _cluster.Simulation.Actor<Bystander>(
        _blade.Place.Host, BladeActors.Bystanders(_blade.Place.Spec.UserTasks)).Inspect.Sockets[0];

    private ref PageFrame PageOf(PageOwner owner)
    {
        PageFrame[] frames = _blade.Memory.Pages.Frames;
        return ref frames[Array.FindIndex(frames, frame => frame.Owner == owner)];
    }

    private ref PageFrame SlabOf(string cache)
    {
        PageFrame[] frames = _blade.Memory.Pages.Frames;
        return ref frames[Array.FindIndex(
            frames, frame => frame.Owner == PageOwner.Slab && _blade.Memory.Slabs[frame.Mapping].Name == cache)];
    }
}
