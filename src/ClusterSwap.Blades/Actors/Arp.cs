// Neighbours of a machine: frames leave when the address behind them is known, and wait or are dropped when it is not.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>Where the neighbour table of a machine stands.</summary>
/// <param name="Hosts">Hosts that it has entries for; frames to others leave as they come.</param>
/// <param name="Uplink">The wire out.</param>
/// <param name="SocketOwner">Who hears of bytes that will not leave.</param>
/// <param name="Memory">The blade that gives buffers, or −1 where memory is not modelled.</param>
/// <param name="Rules">The kernel's rules.</param>
/// <param name="CostNs">CPU time to take in or build an ARP frame, ns.</param>
public sealed record ArpSpec(int[] Hosts, int Uplink, int SocketOwner, int Memory, KernelRules Rules, long CostNs);

/// <summary>An entry with what waits for it.</summary>
[MemoryPackable]
public sealed partial class ArpEntry
{
    /// <summary>The neighbour's host.</summary>
    public int Host;

    /// <summary>The entry; null before the machine has booted.</summary>
    public Neighbour? Neighbour;

    /// <summary>arp_queue, oldest first.</summary>
    public List<Transmit> Waiting = [];

    /// <summary>Truesize of what waits, bytes.</summary>
    public int WaitingBytes;

    /// <summary>Timer event on its way, ns.</summary>
    public long TimerAtNs = long.MaxValue;
}

/// <summary>State of a machine's neighbour table.</summary>
[MemoryPackable]
public sealed partial class ArpState
{
    /// <summary>Entries in the order of their hosts.</summary>
    public ArpEntry[] Entries = [];

    /// <summary>Requests sent.</summary>
    public long Requests;

    /// <summary>Answers sent.</summary>
    public long Replies;

    /// <summary>ARP frames for which no buffer could be had.</summary>
    public long AllocFailures;

    /// <summary>unres_discards, and what was dropped when nobody answered: trains.</summary>
    public long Discards;

    /// <summary>Bytes of payload that wait.</summary>
    [MemoryPackIgnore]
    public int BytesWaiting => Entries.Sum(entry => entry.Waiting.Sum(transmit => transmit.Frame.Segment.Length));
}

/// <summary>
/// ARP and the output queue of unresolved neighbours (<c>net/core/neighbour.c</c>, <c>net/ipv4/arp.c</c>, 3.6). The
/// buffer of a request or answer is GFP_ATOMIC; it may come from the reserve only while a tagged frame is processed
/// (patch 12).
/// </summary>
public sealed class Arp : HostActor<ArpState>, IMemoryHolder
{
    private const int SoftirqCpu = 0;

    private readonly ArpSpec _spec;
    private readonly bool _keyOn;

    // ARP frames whose buffers are asked for: the blade answers within the instant, in order.
    private readonly Queue<Frame> _toBuild = new();

    /// <summary>The table of <paramref name="spec"/>.</summary>
    public Arp(HostContext host, int index, ArpSpec spec)
        : base(host, index, new ArpState { Entries = spec.Hosts.Select(h => new ArpEntry { Host = h }).ToArray() })
    {
        _spec = spec;

        // NBD_DO_IT comes before the first frame, and the key never goes down.
        _keyOn = SocketRules.NbdRaisesKey(spec.Rules);
    }

    /// <inheritdoc/>
    public override void AssertInvariants()
    {
        foreach (var entry in State.Entries)
        {
            entry.Neighbour?.AssertInvariants();
            if (entry.WaitingBytes != entry.Waiting.Sum(TrueSize) || (entry.Waiting.Count > 0 && entry.Neighbour!.IsValid))
            {
                throw new InvalidOperationException(
                    $"{entry.Waiting.Count} trains of {entry.WaitingBytes} bytes wait for a neighbour {entry.Neighbour!.State}");
            }
        }
    }

    /// <inheritdoc/>
    public void AddTo(Holdings holdings)
    {
        foreach (var transmit in State.Entries.SelectMany(entry => entry.Waiting).Where(transmit => transmit.HasSkb))
        {
            holdings.Add(transmit.Skb);
        }
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case Transmit transmit:
                OnOutput(transmit);
                break;
            case SegmentsArrived arrived:
                OnBuffers(arrived);
                break;
            case Frame frame:
                OnArp(frame, TaskFlags.None);
                break;
            case AckMemory memory:
                OnMemory(memory);
                break;
            case NeighbourTimer timer:
                OnTimer(State.Entries[timer.Entry], timer);
                break;
            case StartTask:
                OnStart();
                break;
            default:
                throw new InvalidOperationException($"arp does not know {message.GetType().Name}");
        }
    }

    // The connections are there, so the addresses are known.
    private void OnStart()
    {
        foreach (var entry in State.Entries)
        {
            entry.Neighbour = new Neighbour(Host.NowNs, Host.NextRandom());
            ScheduleTimer(entry);
        }
    }

    private ArpEntry? EntryOf(int host) => Array.Find(State.Entries, entry => entry.Host == host);

    /// <summary>dst_neigh_output: at once, or behind what waits; too much of it pushes the oldest out.</summary>
    private void OnOutput(Transmit transmit)
    {
        if (EntryOf(transmit.Frame.Destination) is not { } entry)
        {
            Host.Send(_spec.Uplink, transmit);
            return;
        }

        var action = entry.Neighbour!.Output(Host.NowNs, transmit.Confirmed);
        if ((action & NeighbourAction.Hold) == 0)
        {
            Host.Send(_spec.Uplink, transmit);
        }
        else
        {
            while (entry.Waiting.Count > 0 && entry.WaitingBytes + TrueSize(transmit) > Neighbour.QueueBytes)
            {
                Discard(entry);
            }

            entry.Waiting.Add(transmit);
            entry.WaitingBytes += TrueSize(transmit);
        }

        Do(entry, action & ~NeighbourAction.Hold, transmit.Task);
    }

    private void OnTimer(ArpEntry entry, NeighbourTimer timer)
    {
        if (timer.AtNs != entry.TimerAtNs)
        {
            return;
        }

        entry.TimerAtNs = long.MaxValue;
        if (Host.NowNs - entry.Neighbour!.DrawnNs >= Neighbour.RedrawNs)
        {
            entry.Neighbour.Draw(Host.NowNs, Host.NextRandom());
        }

        Do(entry, entry.Neighbour.OnTimer(Host.NowNs), TaskFlags.None);
    }

    private void Do(ArpEntry entry, NeighbourAction action, TaskFlags task)
    {
        if ((action & NeighbourAction.Solicit) != 0)
        {
            State.Requests++;
            Build(entry.Host, Frame.ArpRequest, task);
        }

        if ((action & NeighbourAction.Flush) != 0)
        {
            entry.Waiting.ForEach(transmit => Host.Send(_spec.Uplink, transmit));
            entry.Waiting.Clear();
            entry.WaitingBytes = 0;
        }

        while ((action & NeighbourAction.Purge) != 0 && entry.Waiting.Count > 0)
        {
            Discard(entry);
        }

        ScheduleTimer(entry);
    }

    private void OnBuffers(SegmentsArrived arrived)
    {
        var rule = SocketRules.Receive(_spec.Rules, _keyOn, arrived.Buffers[0].PfMemAlloc, EtherProtocol.Arp);
        Host.Send(_spec.Memory, new FreeSkbs { Skbs = arrived.Buffers, Count = arrived.Count, Cpu = SoftirqCpu });
        OnArp(arrived.Frame, rule.Task);
    }

    /// <summary>arp_process: a question is answered, and either tells the sender's address.</summary>
    private void OnArp(Frame frame, TaskFlags task)
    {
        if (EntryOf(frame.Source) is not { } entry)
        {
            return;
        }

        if (frame.Segment.Seq == Frame.ArpRequest)
        {
            State.Replies++;
            Build(frame.Source, Frame.ArpReply, task);
            Do(entry, entry.Neighbour!.OnRequest(), task);
        }
        else
        {
            Do(entry, entry.Neighbour!.OnReply(Host.NowNs), task);
        }
    }

    private void Build(int destination, long operation, TaskFlags task)
    {
        var frame = new Frame
        {
            Source = Host.HostId,
            Destination = destination,
            Protocol = FrameProtocol.Arp,
            Segment = new TcpSegment { Seq = operation, Segments = 1 },
        };
        if (_spec.Memory < 0)
        {
            Host.Send(_spec.Uplink, new Transmit(frame, SkBuff.None, hasSkb: false));
            return;
        }

        _toBuild.Enqueue(frame);
        Host.Send(_spec.Memory, new AckRequest
        {
            SocketAllocation = Gfp.None,
            Task = task,
            Context = AllocContext.Softirq,
            Cpu = SoftirqCpu,
            SoftirqCpu = SoftirqCpu,
            CostNs = _spec.CostNs,
            ReplyTo = Index,
        });
    }

    private void OnMemory(AckMemory memory)
    {
        var frame = _toBuild.Dequeue();
        if (memory.Granted)
        {
            Host.Send(_spec.Uplink, new Transmit(frame, memory.Skb, hasSkb: true));
        }
        else
        {
            State.AllocFailures++;
        }
    }

    /// <summary>The oldest train that waits is lost; TCP will send it again.</summary>
    private void Discard(ArpEntry entry)
    {
        var transmit = entry.Waiting[0];
        entry.Waiting.RemoveAt(0);
        entry.WaitingBytes -= TrueSize(transmit);
        State.Discards++;
        if (transmit.HasSkb)
        {
            Host.Send(_spec.Memory, new FreeSkbs { Skbs = [transmit.Skb], Count = 1, Cpu = SoftirqCpu });
        }

        if (transmit.Frame.Segment.Length > 0)
        {
            Host.Send(_spec.SocketOwner, new TxCleaned
            {
                Connection = transmit.Frame.Connection,
                Bytes = transmit.Frame.Segment.Length,
            });
        }
    }

    private void ScheduleTimer(ArpEntry entry)
    {
        var atNs = entry.Neighbour!.TimerNs;
        if (atNs != entry.TimerAtNs && atNs != long.MaxValue)
        {
            entry.TimerAtNs = Math.Max(atNs, Host.NowNs + 1);
            Host.Schedule(entry.TimerAtNs, Index, new NeighbourTimer(Array.IndexOf(State.Entries, entry), entry.TimerAtNs));
        }
    }

    // An estimate for data: header, a linear part of 512 bytes, and the payload in fragments.
    private static int TrueSize(Transmit transmit) => transmit.HasSkb
        ? transmit.Skb.TrueSize
        : SkbSizes.Head + 512 + transmit.Frame.Segment.Length;
}
