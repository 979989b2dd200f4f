// Room for the states of a series of checkpoints.
namespace ClusterSwap.Engine.Tests;

public sealed class StateWriterTests
{
    [Fact]
    public void A_buffer_that_counted_goes_to_one_state_that_it_is_enough_for_and_not_far_too_large()
    {
        var counting = new StateWriter(capacity: 1_000_000);
        var state = new StateWriter(capacity: 0);
        Assert.False(state.MakeRoom(2_000_000, counting));
        Assert.False(state.MakeRoom(100_000, counting));
        Assert.True(state.MakeRoom(800_000, counting));
        Assert.False(new StateWriter(capacity: 0).MakeRoom(800_000, counting));
        state.Bytes(new byte[800_000]);
        Assert.Equal(800_000, state.Written.Length);
    }
}
