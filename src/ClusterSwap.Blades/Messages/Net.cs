// Frames on their way: wire, NIC, softirq, socket, and the timers of a connection.
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Messages;

/// <summary>What a frame carries.</summary>
public enum FrameProtocol : byte
{
    /// <summary>A TCP segment train of an NBD connection.</summary>
    Tcp,

    /// <summary>UDP datagrams.</summary>
    Udp,

    /// <summary>ARP: the segment's Seq is the operation.</summary>
    Arp,
}

/// <summary>
/// A train of one or more Ethernet frames that follow one another on the wire, with the bytes that they carry.
/// Immutable.
/// </summary>
[MemoryPackable]
public sealed partial class Frame() : SimMessage((ushort)MessageKind.Frame)
{
    /// <summary>Bytes on the wire of a frame besides its TCP payload: Ethernet, IP, TCP with timestamps, preamble and
    /// gap.</summary>
    public const int OverheadBytes = 14 + 4 + 20 + 32 + 20;

    /// <summary>The same of a frame with a UDP datagram: Ethernet, IP, UDP, preamble and gap.</summary>
    public const int DatagramOverheadBytes = 14 + 4 + 20 + 8 + 20;

    /// <summary>Bytes on the wire of an ARP frame: the shortest Ethernet frame, preamble and gap.</summary>
    public const int ArpBytes = 64 + 20;

    /// <summary>ARPOP_REQUEST.</summary>
    public const long ArpRequest = 1;

    /// <summary>ARPOP_REPLY.</summary>
    public const long ArpReply = 2;

    /// <summary>Payload of a full segment: MTU 1500 less IP and TCP headers with timestamps.</summary>
    public const int SegmentPayload = 1448;

    /// <summary>Host that sent it.</summary>
    public int Source;

    /// <summary>Host that it is for.</summary>
    public int Destination;

    /// <summary>TCP: number of the connection at its server, the same at both ends. UDP: the receiving
    /// socket.</summary>
    public int Connection;

    /// <summary>Protocol.</summary>
    public FrameProtocol Protocol;

    /// <summary>TCP: the segment train. UDP: only lengths.</summary>
    public TcpSegment Segment;

    /// <summary>What the bytes mean at some offsets of the stream.</summary>
    public StreamRecord[] Records = [];

    /// <summary>How long the train took on the sender's wire, ns: a switch forwards its first frame before the last has
    /// come.</summary>
    public long SerializationNs;

    /// <summary>Ethernet frames in the train, at least 1.</summary>
    [MemoryPackIgnore]
    public int Frames => Segment.Segments < 1 ? 1 : Segment.Segments;

    /// <summary>Bytes that the train occupies on the wire.</summary>
    [MemoryPackIgnore]
    public long WireBytes => Segment.Length + (long)Frames * Protocol switch
    {
        FrameProtocol.Udp => DatagramOverheadBytes,
        FrameProtocol.Arp => ArpBytes,
        _ => OverheadBytes,
    };

    /// <summary>The first <paramref name="frames"/> frames of this train: the rest was lost.</summary>
    public Frame Prefix(int frames)
    {
        if (frames >= Frames)
        {
            return this;
        }

        var segment = Segment;
        segment.Length = Math.Min(Segment.Length, frames * SegmentPayload);
        segment.Segments = frames;
        return With(segment);
    }

    /// <summary>What follows the first <paramref name="frames"/> frames of this train.</summary>
    public Frame Suffix(int frames)
    {
        var skipped = Math.Min(Segment.Length, frames * SegmentPayload);
        var segment = Segment;
        segment.Seq += skipped;
        segment.Length -= skipped;
        segment.Segments -= frames;
        return With(segment);
    }

    /// <summary>So many frames of this train, from <paramref name="from"/>, with their share of its time on the
    /// wire.</summary>
    public Frame Part(int from, int frames)
    {
        if (from == 0 && frames == Frames)
        {
            return this;
        }

        var part = from == 0 ? Prefix(frames) : Suffix(from).Prefix(frames);
        part.SerializationNs = SerializationNs * frames / Frames;
        return part;
    }

    private Frame With(TcpSegment segment) => new()
    {
        Source = Source,
        Destination = Destination,
        Connection = Connection,
        Protocol = Protocol,
        Segment = segment,
        Records = Records,
        SerializationNs = SerializationNs,
    };

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint)
    {
        fingerprint.Add((ulong)Segment.Seq, (ulong)Segment.Ack);
        fingerprint.Add((ulong)Segment.Length << 32 | (uint)Segment.Window, (ulong)Source << 32 | (uint)Connection);
    }
}

/// <summary>The softirq hands the socket what arrived for it, with the buffers that hold it.</summary>
[MemoryPackable]
public sealed partial class SegmentsArrived(Frame frame, SkBuff[] buffers, int count) : SimMessage((ushort)MessageKind.SegmentsArrived)
{
    /// <summary>The train, shortened to what found a buffer.</summary>
    public Frame Frame { get; } = frame;

    /// <summary>One buffer a segment.</summary>
    public SkBuff[] Buffers { get; } = buffers;

    /// <summary>How many of them count.</summary>
    public int Count { get; } = count;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Frame.Segment.Seq, (ulong)Count);
}

/// <summary>The NIC's interrupt, or the next poll: the softirq looks at its ring.</summary>
[MemoryPackable]
public sealed partial class NicPoll() : SimMessage((ushort)MessageKind.NicPoll)
{
    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(1);
}

/// <summary>The driver's watchdog: a ring that is short gets another try.</summary>
[MemoryPackable]
public sealed partial class RingWatchdog() : SimMessage((ushort)MessageKind.RingWatchdog)
{
    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(1);
}

/// <summary>The softirq to itself: the sockets have dealt with what it handed up, the poll goes on.</summary>
[MemoryPackable]
public sealed partial class PollOn() : SimMessage((ushort)MessageKind.PollOn)
{
    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(1);
}

/// <summary>A traffic source to itself: the next datagram is due.</summary>
[MemoryPackable]
public sealed partial class DatagramTick() : SimMessage((ushort)MessageKind.DatagramTick)
{
    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(1);
}

/// <summary>A source of streams to itself: the next write to a blade is due.</summary>
[MemoryPackable]
public sealed partial class StreamTick(int flow) : SimMessage((ushort)MessageKind.StreamTick)
{
    /// <summary>Number of the flow.</summary>
    public int Flow { get; } = flow;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Flow);
}

/// <summary>A timer of a TCP connection may be due.</summary>
[MemoryPackable]
public sealed partial class TcpTimer(int connection, long atNs) : SimMessage((ushort)MessageKind.TcpTimer)
{
    /// <summary>The connection.</summary>
    public int Connection { get; } = connection;

    /// <summary>The moment that was set; another one may have been set since.</summary>
    public long AtNs { get; } = atNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Connection, (ulong)AtNs);
}

/// <summary>A socket hands a train to its NIC.</summary>
[MemoryPackable]
public sealed partial class Transmit(Frame frame, SkBuff skb, bool hasSkb) : SimMessage((ushort)MessageKind.Transmit)
{
    /// <summary>The train.</summary>
    public Frame Frame { get; } = frame;

    /// <summary>The buffer of a pure ACK, to be freed when it has left. Data stays in the socket's write
    /// queue.</summary>
    public SkBuff Skb { get; } = skb;

    /// <summary>There is one.</summary>
    public bool HasSkb { get; } = hasSkb;

    /// <summary>TCP got on since its last frame: the neighbour is there (dst_confirm).</summary>
    public bool Confirmed;

    /// <summary>Flags of the softirq in whose processing of a frame this one leaves.</summary>
    public TaskFlags Task;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) =>
        fingerprint.Add((ulong)Frame.Segment.Seq, (ulong)Frame.Segment.Ack << 8 | (HasSkb ? 1UL : 0));
}

/// <summary>The timer of a neighbour entry may be due.</summary>
[MemoryPackable]
public sealed partial class NeighbourTimer(int entry, long atNs) : SimMessage((ushort)MessageKind.NeighbourTimer)
{
    /// <summary>The entry's number.</summary>
    public int Entry { get; } = entry;

    /// <summary>The moment that was set; another one may have been set since.</summary>
    public long AtNs { get; } = atNs;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Entry, (ulong)AtNs);
}

/// <summary>The NIC has sent what lay in its transmit ring: time to clean it.</summary>
[MemoryPackable]
public sealed partial class TxClean() : SimMessage((ushort)MessageKind.TxClean)
{
    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add(1);
}

/// <summary>The link to a socket's owner: so many of its bytes have left the machine.</summary>
[MemoryPackable]
public sealed partial class TxCleaned() : SimMessage((ushort)MessageKind.TxCleaned)
{
    /// <summary>The connection.</summary>
    public int Connection;

    /// <summary>Bytes of payload.</summary>
    public int Bytes;

    /// <summary>Frames that never reached the NIC, because no memory for their segments could be had
    /// (tx_dropped).</summary>
    public int Dropped;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Connection, (ulong)Bytes);
}

/// <summary>A server's thread has done its work on a request.</summary>
[MemoryPackable]
public sealed partial class ServiceDone(int connection) : SimMessage((ushort)MessageKind.ServiceDone)
{
    /// <summary>The client's connection.</summary>
    public int Connection { get; } = connection;

    /// <inheritdoc/>
    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Connection);
}
