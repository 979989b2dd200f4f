// State of a NIC's receive side.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>State of the receive side.</summary>
[MemoryPackable]
public sealed partial class SoftirqState
{
    /// <summary>Descriptors and what the driver keeps for them. Only the blade takes from it and fills it.</summary>
    public RxRing Ring = null!;

    /// <summary>Trains that lie in the ring's buffers, oldest first.</summary>
    public Queue<Frame> Arrived = new();

    /// <summary>Trains of the batch that is being taken up.</summary>
    public List<Frame> Batch = [];

    /// <summary>Frames in the ring: the NIC may not fill so many of its filled descriptors again.</summary>
    public int Written;

    /// <summary>A poll is on its way or at work.</summary>
    public bool PollScheduled;

    /// <summary>The next poll goes on where the last one used up its weight.</summary>
    public bool MorePolls;

    /// <summary>Frames that the poll may still take.</summary>
    public int PollLeft;

    /// <summary>CPU time of the poll so far, ns.</summary>
    public long PollNs;

    /// <summary>Softirq work goes on until then, ns.</summary>
    public long BusyUntilNs;

    /// <summary>When the NIC may raise its next interrupt, ns.</summary>
    public long NextInterruptNs;

    /// <summary>Frames taken up.</summary>
    public long Frames;

    /// <summary>Polls.</summary>
    public long Polls;

    /// <summary>Fewest descriptors ever that the NIC could still fill.</summary>
    public int FewestBuffers = int.MaxValue;

    /// <summary>Descriptors that the NIC may fill. A ring of fixed buffers has all that hold no frame.</summary>
    [MemoryPackIgnore]
    public int Available => (Ring.AllocatesPerFrame ? Ring.Size : Ring.Filled.Count) - Written;

    /// <summary>Checks that every frame in the ring lies in a descriptor.</summary>
    public void AssertInvariants()
    {
        Ring.AssertInvariants();
        var frames = Arrived.Sum(train => train.Frames);
        if (frames != Written || Available < 0)
        {
            throw new InvalidOperationException(
                $"ring of {Ring.Size}: {frames} frames arrived, {Written} written, {Ring.Filled.Count} filled");
        }
    }
}
