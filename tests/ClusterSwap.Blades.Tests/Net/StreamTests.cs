// TCP streams to ordinary sockets: they run to their end, stop at a reader that does not read, and take no more than
// they may.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.ProcFiles;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Tests.Net;

public sealed class StreamTests
{
    private const long Second = Trial.Second;

    [Theory]
    [InlineData(1_448)]
    [InlineData(100)]
    [InlineData(20_000)]
    public void Streams_run_to_completion_when_memory_suffices(int messageBytes)
    {
        using var run = new Streams(Streams.Quick(
            "swapnbd", [.. Streams.NoPressure, .. Streams.Count(4, 400), $"{Streams.Key}tcp_message_bytes={messageBytes}"]));
        run.RunTo(3 * Second);
        var flow = run.Source.Flows[0];
        Assert.Equal((800, 0, 800L * messageBytes), (flow.Due, flow.Blocked, flow.Written));
        Assert.Equal(flow.Written, run.Readers.Sum(reader => reader.Counters.BytesRead));
        Assert.All(run.Source.Sockets, socket => Assert.Equal(socket.Tcp.WriteSeq, socket.Tcp.SndUna));
        Assert.All(run.Readers, reader => Assert.Equal((0, ReaderStep.Receive), (reader.Queued, reader.Step)));
    }

    [Fact]
    public void A_reader_that_never_reads_closes_its_window_and_its_sender_stops()
    {
        // 87,380 bytes of buffer, half of it for payload: 40 buffers of 2,176 bytes, then 30 more segments in the send
        // buffer.
        using var run = new Streams(Streams.Quick(
            "swapnbd", [.. Streams.NoPressure, .. Streams.Count(2, 400), $"{Streams.Key}tcp_stalled_readers=1"]));
        run.RunTo(Second);
        var stuck = run.Reader(1);
        var held = stuck.Queued;
        Assert.Equal(ReaderStep.Stuck, stuck.Step);
        Assert.InRange(stuck.Tcp.RmemAlloc, stuck.Tcp.RcvBuf - 2 * stuck.Tcp.Parameters.FrameTrueSize, stuck.Tcp.RcvBuf);
        Assert.True(stuck.Tcp.ReceiveWindow < SkbSizes.Mss, $"the window is {stuck.Tcp.ReceiveWindow}");
        run.RunTo(2 * Second);
        Assert.Equal(held, run.Reader(1).Queued);
        Assert.True(run.Source.Flows[0].Blocked > 100);
        Assert.True(run.Source.Sockets[1].Tcp.ProbesOut > 0 || run.Source.Sockets[1].Tcp.ProbeBackoff > 0);
        Assert.Equal(0, run.Readers.Sum(reader => reader.Counters.PruneCalled));
        Assert.Equal(run.Source.Sockets[0].Tcp.WriteSeq, run.Reader(0).Counters.BytesRead);
    }

    [Fact]
    public void A_reader_stalls_because_its_own_pages_are_swapped_out_and_its_sender_stops()
    {
        // Nothing tells it to: in the deadlock of the unpatched kernel nobody can read a page in.
        using var run = new Streams(Streams.Quick(
            "vanilla", [.. Streams.Count(16, 32), $"{Streams.Key}tcp_message_bytes=20000"]));
        run.RunTo(12 * Second);
        var stalled = run.Readers.Where(reader => reader.Queued > 0).ToArray();
        Assert.InRange(stalled.Length, 1, 16);
        Assert.All(stalled, reader => Assert.Contains(
            reader.Step == ReaderStep.Copy ? "copy" : reader.Step == ReaderStep.Work ? "work" : "else", (string[])["copy", "work"]));
        Assert.All(stalled, reader => Assert.NotEqual(ProcessPhase.User, PhaseWithSleep(reader)));
        Assert.True(run.Source.Flows[0].Blocked > 0);
        var lines = OrdinarySockets.Of(run.Cluster.Simulation, run.Cluster.Blades[0])!.Tell().ToArray();
        Assert.Contains(lines, line => line.Contains("to read a page of its own in"));
        Assert.Equal(stalled.Length, lines.Count(line => line.StartsWith("the socket of stream")));
    }

    [Fact]
    public void Readers_whose_pages_are_swapped_out_go_on_when_the_device_brings_them_back()
    {
        using var run = new Streams(Streams.Quick(
            "swapnbd", [.. Streams.Count(16, 32), $"{Streams.Key}tcp_message_bytes=20000", "time_limit=9 s", "hang_after=8 s"]));
        var waited = false;
        run.RunTo(10 * Second, () => waited |= run.Readers.Any(reader => reader.Read.TargetVpn > 0));
        Assert.True(waited, "no page of a reader was ever swapped out");
        Assert.Equal(run.Source.Flows[0].Written, run.Readers.Sum(reader => reader.Counters.BytesRead));
    }

    [Fact]
    public void While_a_reader_owns_its_socket_what_arrives_goes_to_the_backlog_up_to_its_limit()
    {
        using var run = new Streams(Streams.Quick(
            "vanilla", [.. Streams.Count(16, 32), $"{Streams.Key}tcp_message_bytes=20000"]));
        run.RunTo(12 * Second);
        var owners = run.Readers.Where(reader => reader.Owned).ToArray();
        Assert.NotEmpty(owners);
        Assert.All(owners, reader => Assert.Equal(ReaderStep.Copy, reader.Step));
        Assert.Contains(owners, reader => reader.Backlog.Frames.Count > 0);
        Assert.All(owners, reader => Assert.InRange(
            reader.Backlog.TrueSize + reader.Tcp.RmemAlloc, 0, reader.Tcp.RcvBuf + reader.Tcp.SndBuf + 2_176));
    }

    [Fact]
    public void All_sockets_of_a_blade_share_one_tcp_mem_and_stay_below_its_limit()
    {
        // 16,384 less 12,800 pages make tcp_mem {336, 448, 672}: 64 sockets could hold 64 · 22 pages otherwise.
        using var run = new Streams(Streams.Quick(
            "swapnbd",
            [
                .. Streams.NoPressure, .. Streams.Count(64, 8_000), $"{Streams.Key}tcp_stalled_readers=64",
                "blade.kernel_resident=50 MiB", "blade.page_cache=0 B", "blade.mapping=4 MiB",
            ]));
        var quota = run.Blade.Memory.Tcp.Quota;
        Assert.Equal((336, 448, 672, 65), (quota.Min, quota.Pressure, quota.Max, quota.Sockets));
        long most = 0;
        run.RunTo(2 * Second, () => most = Math.Max(most, run.Blade.Memory.Tcp.Quota.AllocatedPages));
        Assert.InRange(most, quota.Min, quota.Max);
        Assert.True(run.Blade.Memory.Tcp.Quota.Pressures > 0);
    }

    [Fact]
    public void Nearly_empty_buffers_of_a_full_socket_are_copied_into_fuller_ones()
    {
        // 41 buffers of 2,176 bytes are more than 87,380, and hold 100 bytes each: collapsed they leave room for more.
        using var run = new Streams(Streams.Quick(
            "swapnbd",
            [.. Streams.NoPressure, .. Streams.Count(1, 200), $"{Streams.Key}tcp_stalled_readers=1", $"{Streams.Key}tcp_message_bytes=100"]));
        run.RunTo(2 * Second);
        var reader = run.Reader(0);
        Assert.True(reader.Counters.Collapsed >= 40, $"{reader.Counters.Collapsed} were collapsed");
        Assert.True(reader.Counters.PruneCalled > 0);
        Assert.True(reader.ReceiveQueue.RcvNxt > 100 * 100, $"it holds {reader.ReceiveQueue.RcvNxt} bytes");
        Assert.InRange(reader.Tcp.RmemAlloc, 0, reader.Tcp.RcvBuf + 2_176);
        Assert.Equal(0, reader.Counters.ReceivePruned);
    }

    [Fact]
    public void The_sockstat_file_shows_what_tcp_mem_counts()
    {
        using var run = new Streams(Streams.Quick(
            "swapnbd", [.. Streams.NoPressure, .. Streams.Count(2, 400), $"{Streams.Key}tcp_stalled_readers=1"]));
        run.RunTo(Second);
        var states = new BladeStates(run.Cluster.Simulation, run.Cluster.Blades[0]);
        var text = NetFiles.SockStat(new ProcMoment(run.Cluster.Simulation, states, Second));
        var pages = run.Blade.Memory.Tcp.Quota.AllocatedPages;
        Assert.Contains($"TCP: inuse 3 orphan 0 tw 0 alloc 3 mem {pages}\n", text);
        Assert.InRange(pages, 20, 24);
    }

    private static ProcessPhase PhaseWithSleep(TcpReaderState reader) =>
        reader.Phase == ProcessPhase.User && reader.Task.Wait == WaitKind.PageLock ? ProcessPhase.Submit : reader.Phase;
}
