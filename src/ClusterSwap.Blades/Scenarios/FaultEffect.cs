// What faults do: to the frames of a cable, or to a server's process.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>Which way of a cable, as the host named by the fault sees it.</summary>
public enum LinkDirection
{
    /// <summary><c>both</c>.</summary>
    Both,

    /// <summary><c>up</c>: from the host to the switch.</summary>
    Up,

    /// <summary><c>down</c>: from the switch to the host.</summary>
    Down,
}

/// <summary>Which requests a fault of a server concerns.</summary>
public enum FaultOperations
{
    /// <summary><c>both</c>.</summary>
    Both,

    /// <summary><c>read</c>.</summary>
    Read,

    /// <summary><c>write</c>.</summary>
    Write,
}

/// <summary>What a fault does.</summary>
public abstract record FaultEffect
{
    /// <summary>The word for it in a scenario, <c>kind</c>.</summary>
    public abstract string Kind { get; }
}

/// <summary>Something happens to the frames on a cable, each Ethernet frame for itself.</summary>
/// <param name="Direction">Which way.</param>
public abstract record LinkEffect(LinkDirection Direction) : FaultEffect
{
    /// <summary>Frames that go this way meet it.</summary>
    public bool Concerns(LinkDirection way) => Direction == LinkDirection.Both || Direction == way;
}

/// <summary>
/// Frames are lost. Without bursts each by itself; with them as Gilbert and Elliott have it: the cable changes between
/// a good and a bad state from frame to frame, and begins in the good one.
/// </summary>
/// <param name="Direction">Which way.</param>
/// <param name="PerMillion">Frames lost of a million; with bursts, in the bad state.</param>
/// <param name="Bursts">How the states change; null = no bursts.</param>
public sealed record LossEffect(LinkDirection Direction, int PerMillion, LossBursts? Bursts = null)
    : LinkEffect(Direction)
{
    /// <inheritdoc/>
    public override string Kind => "loss";
}

/// <summary>The good and the bad state of a cable.</summary>
/// <param name="GoodPerMillion">Frames lost of a million in the good state (netem's 1−k).</param>
/// <param name="GoodToBadPerMillion">Frames of a million after which a good cable turns bad (netem's p).</param>
/// <param name="BadToGoodPerMillion">Frames of a million after which a bad one turns good (netem's r).</param>
public sealed record LossBursts(int GoodPerMillion, int GoodToBadPerMillion, int BadToGoodPerMillion);

/// <summary>Frames come later; their order stays.</summary>
/// <param name="Direction">Which way.</param>
/// <param name="DelayNs">How much later, ns.</param>
/// <param name="JitterNs">Up to so much more, ns, each amount equally likely, drawn for each train.</param>
public sealed record DelayEffect(LinkDirection Direction, long DelayNs, long JitterNs) : LinkEffect(Direction)
{
    /// <inheritdoc/>
    public override string Kind => "delay";
}

/// <summary>Some frames are held back, and those behind them overtake.</summary>
/// <param name="Direction">Which way.</param>
/// <param name="PerMillion">Frames held back of a million.</param>
/// <param name="DelayNs">How long, ns.</param>
public sealed record ReorderEffect(LinkDirection Direction, int PerMillion, long DelayNs) : LinkEffect(Direction)
{
    /// <inheritdoc/>
    public override string Kind => "reorder";
}

/// <summary>Some frames arrive twice, one behind the other.</summary>
/// <param name="Direction">Which way.</param>
/// <param name="PerMillion">Frames doubled of a million.</param>
public sealed record DuplicateEffect(LinkDirection Direction, int PerMillion) : LinkEffect(Direction)
{
    /// <inheritdoc/>
    public override string Kind => "duplicate";
}

/// <summary>The cable is slower; the queue in front of it is as long as the switch port's.</summary>
/// <param name="Direction">Which way.</param>
/// <param name="BitsPerSec">Its bandwidth, bits per second.</param>
public sealed record RateEffect(LinkDirection Direction, long BitsPerSec) : LinkEffect(Direction)
{
    /// <inheritdoc/>
    public override string Kind => "rate";
}

/// <summary>The cable carries nothing: all frames are lost.</summary>
/// <param name="Direction">Which way.</param>
public sealed record PartitionEffect(LinkDirection Direction) : LinkEffect(Direction)
{
    /// <inheritdoc/>
    public override string Kind => "partition";
}

/// <summary>
/// FoundationDB's swizzle-clogging: some of the cables, drawn at random, are clogged one after another in the first
/// half of the time, and let go in another random order in the second. A clogged cable holds its frames, up to the
/// queue of its switch port, both ways.
/// </summary>
/// <param name="PerMillion">Chance of each cable to be among them, of a million.</param>
public sealed record SwizzleClogEffect(int PerMillion) : LinkEffect(LinkDirection.Both)
{
    /// <inheritdoc/>
    public override string Kind => "swizzle-clog";
}

/// <summary>Something happens to a server's process.</summary>
public abstract record ServerEffect : FaultEffect;

/// <summary>
/// The server's threads stand still; its kernel goes on to receive, up to the receive buffers, and to acknowledge
/// (nbdkit's pause filter; a process that got SIGSTOP).
/// </summary>
public sealed record ServerStallEffect : ServerEffect
{
    /// <inheritdoc/>
    public override string Kind => "server-stall";
}

/// <summary>Requests take longer (nbdkit's delay filter, rdelay and wdelay).</summary>
/// <param name="Operations">Which ones.</param>
/// <param name="DelayNs">How much longer, ns.</param>
public sealed record ServerDelayEffect(FaultOperations Operations, long DelayNs) : ServerEffect
{
    /// <inheritdoc/>
    public override string Kind => "server-delay";
}

/// <summary>Requests are answered with EIO, and not done (nbdkit's error filter).</summary>
/// <param name="Operations">Which ones.</param>
/// <param name="PerMillion">How many of a million.</param>
public sealed record ServerErrorEffect(FaultOperations Operations, int PerMillion) : ServerEffect
{
    /// <inheritdoc/>
    public override string Kind => "server-error";
}

/// <summary>
/// The server's process dies and is started anew: its connections are reset. While the fault lasts nobody listens. No
/// client comes back by itself in 3.6, so its device stays dead.
/// </summary>
public sealed record ServerRestartEffect : ServerEffect
{
    /// <inheritdoc/>
    public override string Kind => "server-restart";
}
