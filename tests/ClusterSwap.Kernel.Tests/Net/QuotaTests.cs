using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Net;

public class QuotaTests
{
    private static readonly SkBuff Datagram = SkBuff.None with { Head = 7, TrueSize = 2176 };

    [Theory]
    [InlineData(14_355, 1_344, 1_794, 2_688)]
    [InlineData(28_096, 2_634, 3_512, 5_268)]
    [InlineData(100, 96, 128, 192)]
    public void Limits_follow_from_the_free_buffer_pages(long free, long min, long pressure, long max)
    {
        var quota = TcpMemory.ForMachine(free).Quota;
        Assert.Equal((min, pressure, max), (quota.Min, quota.Pressure, quota.Max));
    }

    [Theory]
    [InlineData(1_000, 65_536, 87_380)]
    [InlineData(14_355, 459_360, 459_360)]
    [InlineData(524_288, 4 << 20, 6 << 20)]
    public void Buffer_limits_follow_from_the_free_buffer_pages(long free, int wmem, int rmem)
    {
        var tcp = TcpParameters.ForMachine(free);
        Assert.Equal((wmem, rmem), (tcp.SndBufMax, tcp.RcvBufMax));
        Assert.Equal((16_384, 87_380), (tcp.SndBufInitial, tcp.RcvBufInitial));
    }

    [Fact]
    public void An_unread_udp_socket_takes_98_datagrams()
    {
        var socket = new UdpSocket();
        socket.Attach(UdpMemory.ForMachine(100_000));
        var taken = 0;
        while (socket.TryQueue(Datagram) == UdpOutcome.Queued)
        {
            taken++;
        }

        Assert.Equal(98, taken);
        Assert.Equal(1, socket.RcvbufErrors);
        while (socket.TryRead(out _))
        {
        }

        Assert.Equal(0, socket.RmemAlloc);
        Assert.Equal(0, socket.Memory.Quota.AllocatedPages);
        socket.AssertInvariants();
    }

    [Fact]
    public void Udp_mem_stops_64_sockets_before_their_buffers_do()
    {
        var memory = UdpMemory.ForMachine(14_355);
        var sockets = Enumerable.Range(0, 64).Select(_ => new UdpSocket()).ToArray();
        foreach (var socket in sockets)
        {
            socket.Attach(memory);
        }

        for (var i = 0; i < 64 * 98; i++)
        {
            sockets[i % 64].TryQueue(Datagram);
        }

        Assert.All(sockets, s => Assert.True(s.MemErrors > 0));
        Assert.Equal(memory.Quota.Min, memory.Quota.AllocatedPages);
    }

    [Fact]
    public void Between_min_and_max_udp_serves_only_a_socket_that_is_nearly_empty()
    {
        var memory = UdpMemory.ForMachine(100);
        var full = new UdpSocket { RcvBuf = int.MaxValue };
        full.Attach(memory);
        while (full.TryQueue(Datagram) == UdpOutcome.Queued)
        {
        }

        var fresh = new UdpSocket();
        fresh.Attach(memory);
        Assert.Equal(UdpOutcome.Queued, fresh.TryQueue(Datagram));
        Assert.Equal(UdpOutcome.Queued, fresh.TryQueue(Datagram));
        Assert.Equal(UdpOutcome.QuotaRefused, fresh.TryQueue(Datagram with { TrueSize = 8192 }));
    }

    [Fact]
    public void Tcp_enters_pressure_above_the_second_limit_and_leaves_it_below_the_first()
    {
        var quota = TcpMemory.ForMachine(100).Quota;
        quota.Sockets = 1;
        var forward = 0;
        Assert.True(quota.TryCharge(ref forward, 128 * 4096, false, 0));
        Assert.False(quota.UnderPressure);
        Assert.True(quota.TryCharge(ref forward, 4096, false, 0));
        Assert.True(quota.UnderPressure);
        Assert.Equal(1, quota.Pressures);
        Assert.False(quota.TryCharge(ref forward, 64 * 4096, true, 0));
        quota.Release(ref forward, 34 * 4096);
        Assert.False(quota.UnderPressure);
        Assert.Equal(95, quota.AllocatedPages);
    }

    [Fact]
    public void Quotas_and_sockets_survive_a_round_trip()
    {
        var socket = new UdpSocket();
        socket.Attach(UdpMemory.ForMachine(1000));
        socket.TryQueue(Datagram);
        var bytes = MemoryPackSerializer.Serialize(socket);
        var copy = MemoryPackSerializer.Deserialize<UdpSocket>(bytes)!;
        copy.Attach(socket.Memory);
        Assert.Equal(bytes, MemoryPackSerializer.Serialize(copy));
        copy.AssertInvariants();
        var udp = MemoryPackSerializer.Deserialize<UdpMemory>(MemoryPackSerializer.Serialize(socket.Memory))!;
        Assert.Equal(1, udp.Quota.AllocatedPages);
        var tcp = TcpMemory.ForMachine(1000);
        Assert.Equal(
            tcp.Quota.Max, MemoryPackSerializer.Deserialize<TcpMemory>(MemoryPackSerializer.Serialize(tcp))!.Quota.Max);
    }
}
