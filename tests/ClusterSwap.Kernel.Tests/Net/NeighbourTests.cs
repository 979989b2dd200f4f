using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Net;

public class NeighbourTests
{
    private const long Second = 1_000_000_000;

    // A draw of 15 s: reachable for exactly 30 s.
    private static Neighbour Fresh() => new(0, draw: 15 * (ulong)Second);

    [Theory]
    [InlineData(0, 15)]
    [InlineData(29_999_999_999, 44)]
    [InlineData(30_000_000_000, 15)]
    public void The_reachable_time_lies_between_half_and_one_and_a_half_of_30_s(ulong draw, long seconds) =>
        Assert.Equal(seconds, new Neighbour(0, draw).ReachableNs / Second);

    [Fact]
    public void Progress_of_TCP_keeps_an_entry_reachable_without_a_single_request()
    {
        var entry = Fresh();
        for (var now = Second; now < 200 * Second; now += Second)
        {
            Assert.Equal(NeighbourAction.None, entry.Output(now, confirmed: true));
            Assert.Equal(NeighbourAction.None, entry.OnTimer(now));
            entry.AssertInvariants();
        }

        Assert.Equal(NudState.Reachable, entry.State);
    }

    [Fact]
    public void An_entry_that_nobody_uses_goes_stale_and_asks_nothing()
    {
        var entry = Fresh();
        Assert.Equal(NeighbourAction.None, entry.OnTimer(30 * Second));
        Assert.Equal((NudState.Stale, long.MaxValue), (entry.State, entry.TimerNs));
    }

    [Fact]
    public void A_used_entry_is_asked_for_by_name_after_5_s_thrice_and_then_by_broadcast_thrice()
    {
        var entry = Fresh();
        entry.OnTimer(30 * Second);
        Assert.Equal(NeighbourAction.None, entry.Output(31 * Second, confirmed: false));
        Assert.Equal((NudState.Delay, 36 * Second), (entry.State, entry.TimerNs));
        for (var probe = 0; probe < 3; probe++)
        {
            Assert.Equal(NeighbourAction.Solicit, entry.OnTimer((36 + probe) * Second));
            Assert.Equal(NudState.Probe, entry.State);
            Assert.Equal(NeighbourAction.None, entry.Output(entry.TimerNs - 1, confirmed: false));
        }

        Assert.Equal(NeighbourAction.Purge, entry.OnTimer(39 * Second));
        Assert.Equal((NudState.Failed, 1L), (entry.State, entry.Failures));
        Assert.Equal(NeighbourAction.Hold | NeighbourAction.Solicit, entry.Output(40 * Second, confirmed: false));
        Assert.Equal(NeighbourAction.Hold, entry.Output(40 * Second, confirmed: false));
        Assert.Equal(NeighbourAction.Solicit, entry.OnTimer(41 * Second));
        Assert.Equal(NeighbourAction.Solicit, entry.OnTimer(42 * Second));
        Assert.Equal(NeighbourAction.Purge, entry.OnTimer(43 * Second));
        entry.AssertInvariants();
    }

    [Fact]
    public void A_confirmation_within_the_delay_saves_the_requests()
    {
        var entry = Fresh();
        entry.OnTimer(30 * Second);
        entry.Output(31 * Second, confirmed: false);
        entry.Output(33 * Second, confirmed: true);
        Assert.Equal(NeighbourAction.None, entry.OnTimer(36 * Second));
        Assert.Equal((NudState.Reachable, 63 * Second), (entry.State, entry.TimerNs));
    }

    [Fact]
    public void An_answer_lets_go_what_waited()
    {
        var entry = Fresh();
        entry.State = NudState.Failed;
        entry.TimerNs = long.MaxValue;
        entry.Output(Second, confirmed: false);
        Assert.False(entry.IsValid);
        Assert.Equal(NeighbourAction.Flush, entry.OnReply(2 * Second));
        Assert.Equal((NudState.Reachable, 32 * Second), (entry.State, entry.TimerNs));
        Assert.Equal(NeighbourAction.None, entry.OnReply(3 * Second));
    }

    [Fact]
    public void A_request_of_the_neighbour_tells_its_address_but_confirms_nothing()
    {
        var entry = Fresh();
        Assert.Equal(NeighbourAction.None, entry.OnRequest());
        Assert.Equal(NudState.Reachable, entry.State);
        entry.OnTimer(30 * Second);
        entry.Output(30 * Second, confirmed: false);
        entry.OnRequest();
        Assert.Equal(NudState.Stale, entry.State);
        entry.State = NudState.Failed;
        entry.Output(31 * Second, confirmed: false);
        Assert.Equal(NeighbourAction.Flush, entry.OnRequest());
    }

    [Fact]
    public void An_entry_survives_a_checkpoint()
    {
        var entry = Fresh();
        entry.OnTimer(30 * Second);
        entry.Output(31 * Second, confirmed: false);
        var restored = MemoryPackSerializer.Deserialize<Neighbour>(MemoryPackSerializer.Serialize(entry))!;
        Assert.Equal(NeighbourAction.Solicit, restored.OnTimer(36 * Second));
    }
}
