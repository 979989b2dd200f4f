// Streams against the reserve: the drop rule keeps it from ordinary sockets where tags tell, and nothing else does.
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Blades.Tests.Net;

public sealed class StreamReserveTests
{
    private const long Second = Trial.Second;

    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    public void On_the_paged_path_no_ordinary_socket_ever_holds_a_receive_page_of_the_reserve(int stalled)
    {
        using var run = new Streams(Streams.Trouble($"{Streams.Key}tcp_stalled_readers={stalled}"));
        run.RunTo(4 * Second, () => Assert.Equal(0, ReservePages(run)));
        Assert.True(run.Readers.Sum(reader => reader.Counters.FilterDrops) > 0);
        Assert.True(run.Blade.Memory.Stat[Kernel.VmCounter.reserve_pages_taken] > 0);
    }

    [Fact]
    public void Without_the_drop_rule_stalled_sockets_fill_up_with_the_reserve()
    {
        using var run = new Streams(Streams.Trouble(
            $"{Streams.Key}tcp_stalled_readers=8", "blade.changes=\"auto + no-reserve-drop\""));
        run.RunTo(3 * Second);
        Assert.Equal(0, run.Readers.Sum(reader => reader.Counters.FilterDrops));
        Assert.True(ReservePages(run) > 20, $"they hold {ReservePages(run)} pages");
    }

    [Fact]
    public void On_the_fragment_path_nothing_is_tagged_so_the_drop_rule_drops_nothing()
    {
        using var run = new Streams(Streams.Trouble($"{Streams.Key}tcp_stalled_readers=8", "blade.nic.rx_path=fragment"));
        run.RunTo(3 * Second);
        Assert.Equal(0, run.Readers.Sum(reader => reader.Counters.FilterDrops));
        Assert.True(ReservePages(run) > 10, $"they hold {ReservePages(run)} pages");
    }

    private static int ReservePages(Streams run) =>
        OrdinarySockets.Of(run.Cluster.Simulation, run.Cluster.Blades[0])!.ReservePages;
}
