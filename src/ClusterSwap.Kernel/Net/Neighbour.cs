// A neighbour entry: whether the address of a host on the wire is known, and what is done to find out.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>State of a neighbour entry (NUD_*). In all but <see cref="Incomplete"/> and <see cref="Failed"/> frames
/// leave.</summary>
public enum NudState : byte
{
    /// <summary>Confirmed not long ago.</summary>
    Reachable,

    /// <summary>Not confirmed for long; nobody has used it since.</summary>
    Stale,

    /// <summary>Used after it went stale: a confirmation from above may still come.</summary>
    Delay,

    /// <summary>Asked for by name.</summary>
    Probe,

    /// <summary>The address is not known; asked for by broadcast. Frames wait.</summary>
    Incomplete,

    /// <summary>Nobody answered.</summary>
    Failed,
}

/// <summary>What an entry wants done.</summary>
[Flags]
public enum NeighbourAction : byte
{
    None = 0,

    /// <summary>The frame waits until the address is known.</summary>
    Hold = 0x1,

    /// <summary>A request is to be sent: <c>neigh_probe</c>.</summary>
    Solicit = 0x2,

    /// <summary>Frames that waited may go.</summary>
    Flush = 0x4,

    /// <summary>Frames that waited are dropped: <c>neigh_invalidate</c>.</summary>
    Purge = 0x8,
}

/// <summary>
/// Life of one neighbour entry (<c>net/core/neighbour.c</c>, 3.6, parameters of <c>ipv4/arp.c</c>). It starts resolved:
/// the connection exists. It allocates nothing and sends nothing; a request that could not be built counts as sent.
/// </summary>
[MemoryPackable]
public sealed partial class Neighbour
{
    /// <summary>base_reachable_time, ns: an entry is reachable for half to one and a half of it.</summary>
    public const long BaseReachableNs = 30 * TcpParameters.SecondNs;

    /// <summary>How often the reachable time is drawn anew, ns (<c>neigh_periodic_work</c>).</summary>
    public const long RedrawNs = 300 * TcpParameters.SecondNs;

    /// <summary>delay_probe_time, ns.</summary>
    public const long DelayNs = 5 * TcpParameters.SecondNs;

    /// <summary>retrans_time, ns.</summary>
    public const long RetransNs = TcpParameters.SecondNs;

    /// <summary>ucast_probes.</summary>
    public const int UnicastProbes = 3;

    /// <summary>mcast_probes.</summary>
    public const int MulticastProbes = 3;

    /// <summary>queue_len_bytes: truesize of what may wait for an address.</summary>
    public const int QueueBytes = 64 << 10;

    /// <summary>State.</summary>
    public NudState State;

    /// <summary>When it was last confirmed, ns.</summary>
    public long ConfirmedNs;

    /// <summary>When it was last used without being connected, ns.</summary>
    public long UsedNs;

    /// <summary>Requests since it was last known.</summary>
    public int Probes;

    /// <summary>How long a confirmation holds, ns.</summary>
    public long ReachableNs;

    /// <summary>When that was drawn, ns.</summary>
    public long DrawnNs;

    /// <summary>Its timer, ns; <see cref="long.MaxValue"/>: none.</summary>
    public long TimerNs = long.MaxValue;

    /// <summary>Times that nobody answered (<c>res_failed</c>).</summary>
    public long Failures;

    /// <summary>For the serializer.</summary>
    [MemoryPackConstructor]
    private Neighbour()
    {
    }

    /// <summary>An entry that has just been confirmed.</summary>
    public Neighbour(long nowNs, ulong draw)
    {
        Draw(nowNs, draw);
        Confirm(nowNs);
    }

    /// <summary>Frames leave at once.</summary>
    [MemoryPackIgnore]
    public bool IsValid => State is not (NudState.Incomplete or NudState.Failed);

    /// <summary><c>neigh_rand_reach_time</c>: half to one and a half of the base.</summary>
    public void Draw(long nowNs, ulong draw)
    {
        ReachableNs = BaseReachableNs / 2 + (long)(draw % (ulong)BaseReachableNs);
        DrawnNs = nowNs;
    }

    /// <summary>
    /// A frame is to leave (<c>dst_neigh_output</c>, <c>__neigh_event_send</c>). <paramref name="confirmed"/>: TCP got
    /// on since the last one (dst_confirm). It goes unless the answer has <see cref="NeighbourAction.Hold"/>.
    /// </summary>
    public NeighbourAction Output(long nowNs, bool confirmed)
    {
        if (confirmed)
        {
            ConfirmedNs = nowNs;
        }

        if (State == NudState.Reachable)
        {
            return NeighbourAction.None;
        }

        UsedNs = nowNs;
        switch (State)
        {
            case NudState.Stale:
                State = NudState.Delay;
                TimerNs = nowNs + DelayNs;
                return NeighbourAction.None;
            case NudState.Failed:
                // What was asked by name counts: only broadcasts are left.
                State = NudState.Incomplete;
                Probes = UnicastProbes + 1;
                TimerNs = nowNs + RetransNs;
                return NeighbourAction.Hold | NeighbourAction.Solicit;
            case NudState.Incomplete:
                return NeighbourAction.Hold;
            default:
                return NeighbourAction.None;
        }
    }

    /// <summary>Its timer went off (<c>neigh_timer_handler</c>); nothing happens before
    /// <see cref="TimerNs"/>.</summary>
    public NeighbourAction OnTimer(long nowNs)
    {
        if (nowNs < TimerNs)
        {
            return NeighbourAction.None;
        }

        TimerNs = long.MaxValue;
        switch (State)
        {
            case NudState.Reachable:
                ReachableExpired(nowNs);
                return NeighbourAction.None;
            case NudState.Delay when nowNs <= ConfirmedNs + DelayNs:
                State = NudState.Reachable;
                TimerNs = ConfirmedNs + ReachableNs;
                return NeighbourAction.None;
            case NudState.Delay:
                State = NudState.Probe;
                Probes = 0;
                return Ask(nowNs);
            case NudState.Probe or NudState.Incomplete:
                return Ask(nowNs);
            default:
                return NeighbourAction.None;
        }
    }

    /// <summary>An answer came (<c>neigh_update</c> to NUD_REACHABLE).</summary>
    public NeighbourAction OnReply(long nowNs)
    {
        var waited = !IsValid;
        Confirm(nowNs);
        return waited ? NeighbourAction.Flush : NeighbourAction.None;
    }

    /// <summary>
    /// The neighbour asked for us, which tells its address but confirms nothing (<c>neigh_event_ns</c>, NUD_STALE).
    /// </summary>
    public NeighbourAction OnRequest()
    {
        if (State == NudState.Reachable)
        {
            return NeighbourAction.None;
        }

        var waited = !IsValid;
        State = NudState.Stale;
        TimerNs = long.MaxValue;
        return waited ? NeighbourAction.Flush : NeighbourAction.None;
    }

    /// <summary>Checks that every state that ends by time has a timer.</summary>
    public void AssertInvariants()
    {
        if (TimerNs == long.MaxValue != State is NudState.Stale or NudState.Failed)
        {
            throw new InvalidOperationException($"neighbour {State} with a timer at {TimerNs}");
        }
    }

    private void Confirm(long nowNs)
    {
        State = NudState.Reachable;
        ConfirmedNs = nowNs;
        TimerNs = nowNs + ReachableNs;
    }

    private void ReachableExpired(long nowNs)
    {
        if (nowNs < ConfirmedNs + ReachableNs)
        {
            TimerNs = ConfirmedNs + ReachableNs;
        }
        else if (nowNs <= UsedNs + DelayNs)
        {
            State = NudState.Delay;
            TimerNs = nowNs + DelayNs;
        }
        else
        {
            State = NudState.Stale;
        }
    }

    private NeighbourAction Ask(long nowNs)
    {
        var most = State == NudState.Probe ? UnicastProbes : UnicastProbes + MulticastProbes;
        if (Probes >= most)
        {
            State = NudState.Failed;
            Failures++;
            return NeighbourAction.Purge;
        }

        Probes++;
        TimerNs = nowNs + RetransNs;
        return NeighbourAction.Solicit;
    }
}
