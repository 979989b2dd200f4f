// What a faulty cable remembers.
using ClusterSwap.Blades.Messages;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>State of the faults of one way of a cable.</summary>
[MemoryPackable]
public sealed partial class LinkFaultState
{
    /// <summary>Numbers of the faults in force, ascending.</summary>
    public List<int> Active = [];

    /// <summary>Numbers of those whose cable is in its bad state (Gilbert-Elliott).</summary>
    public List<int> Bad = [];

    /// <summary>No frame comes before this, ns: order stays.</summary>
    public long LastNs;

    /// <summary>The slower cable is busy until then, ns.</summary>
    public long BusyUntilNs;

    /// <summary>Frames that a clogged cable holds, the first first.</summary>
    public Queue<Frame> Held = new();

    /// <summary>Their bytes on the wire.</summary>
    public long HeldBytes;

    /// <summary>Ethernet frames that came.</summary>
    public long Entered;

    /// <summary>Ethernet frames that went on, their second copies included.</summary>
    public long Passed;

    /// <summary>Ethernet frames lost: by chance, or because the cable carries nothing.</summary>
    public long Lost;

    /// <summary>Ethernet frames that found the queue of a slow or clogged cable full.</summary>
    public long Refused;

    /// <summary>Ethernet frames that got a second copy.</summary>
    public long Duplicated;

    /// <summary>Ethernet frames that were held back so that others overtook them.</summary>
    public long Reordered;

    /// <summary>Throws when frames came from nowhere or went there.</summary>
    public void AssertInvariants()
    {
        long held = Held.Sum(frame => (long)frame.Frames);
        if (Entered + Duplicated != Passed + Lost + Refused + held)
        {
            throw new InvalidOperationException(
                $"faulty cable: {Entered} frames came and {Duplicated} were doubled, but {Passed} went on, {Lost} were "
                + $"lost, {Refused} found no room and {held} are held");
        }
    }
}
