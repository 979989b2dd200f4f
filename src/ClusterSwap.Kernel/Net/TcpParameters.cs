// Limits and times of TCP that are the same for all connections of a machine.
using MemoryPack;

namespace ClusterSwap.Kernel.Net;

/// <summary>Constants of a machine's TCP. All times follow from <see cref="Hz"/> as in the kernel.</summary>
[MemoryPackable]
public sealed partial record TcpParameters
{
    /// <summary>A second, ns.</summary>
    public const long SecondNs = 1_000_000_000;

    /// <summary>TCP_RTO_MAX: 120 s.</summary>
    public const long RtoMaxNs = 120 * SecondNs;

    /// <summary>TCP_TIMEOUT_INIT: 1 s.</summary>
    public const long RtoInitialNs = SecondNs;

    /// <summary>tcp_retries2: retransmissions by the timer before the connection fails.</summary>
    public const int Retries = 15;

    /// <summary>sysctl_tcp_limit_output_bytes: bytes of one socket below TCP (new in 3.6).</summary>
    public const int OutputLimit = 131_072;

    /// <summary>SOCK_MIN_SNDBUF: a send buffer does not shrink below it, bytes.</summary>
    public const int MinSndBuf = 2_048;

    /// <summary>tcp_wmem[0] and tcp_rmem[0]: what a socket may have under pressure, bytes.</summary>
    public const int Guarantee = 4_096;

    /// <summary>Segments that one may come late by, at first (sysctl tcp_reordering).</summary>
    public const int Reordering = 3;

    /// <summary>TCP_MAX_REORDERING: what the estimate grows to, segments.</summary>
    public const int ReorderingMax = 127;

    /// <summary>Payload of a full segment, bytes.</summary>
    public int Mss { get; init; } = SkbSizes.Mss;

    /// <summary>Initial congestion window, segments.</summary>
    public int InitialCwnd { get; init; } = 10;

    /// <summary>tcp_wmem[1], bytes.</summary>
    public int SndBufInitial { get; init; } = 16_384;

    /// <summary>tcp_wmem[2], bytes.</summary>
    public int SndBufMax { get; init; } = 4 << 20;

    /// <summary>tcp_rmem[1], bytes.</summary>
    public int RcvBufInitial { get; init; } = 87_380;

    /// <summary>tcp_rmem[2], bytes.</summary>
    public int RcvBufMax { get; init; } = 6 << 20;

    /// <summary>Ticks per second; timers expire at ticks.</summary>
    public int Hz { get; init; } = 250;

    /// <summary>Payload lies in pages: because the NIC gathers, or because TCP never does otherwise.</summary>
    public bool Sg { get; init; } = true;

    /// <summary>No payload lies in the linear part of a buffer (<c>tcp_stream_alloc_skb</c>, 6.1).</summary>
    public bool PayloadInPages { get; init; }

    /// <summary>
    /// The NIC does not gather: what TCP hands down is cut into segments and copied before the driver gets it
    /// (<c>validate_xmit_skb</c>, 6.1).
    /// </summary>
    public bool SegmentsBelow { get; init; }

    /// <summary>The NIC, or the stack below TCP, segments: a buffer holds up to <see cref="MaxSkbBytes"/>.</summary>
    public bool Tso { get; init; } = true;

    /// <summary>Largest payload of one buffer with segmentation offload, bytes.</summary>
    public int MaxSkbBytes { get; init; } = 65_536;

    /// <summary>MAX_TCP_HEADER: head room of TCP data, 160 to 304 bytes by configuration.</summary>
    public int MaxTcpHeader { get; init; } = 192;

    /// <summary>Length of a tick, ns; rounds down.</summary>
    [MemoryPackIgnore]
    public long TickNs => SecondNs / Hz;

    /// <summary>TCP_RTO_MIN: HZ/5.</summary>
    [MemoryPackIgnore]
    public long RtoMinNs => Hz / 5 * TickNs;

    /// <summary>TCP_DELACK_MIN and TCP_ATO_MIN: HZ/25.</summary>
    [MemoryPackIgnore]
    public long DelackMinNs => Hz / 25 * TickNs;

    /// <summary>TCP_DELACK_MAX: HZ/5.</summary>
    [MemoryPackIgnore]
    public long DelackMaxNs => Hz / 5 * TickNs;

    /// <summary>TCP_RESOURCE_PROBE_INTERVAL: HZ/2.</summary>
    [MemoryPackIgnore]
    public long ResourceProbeNs => Hz / 2 * TickNs;

    /// <summary>When a timer found the socket owned: HZ/20.</summary>
    [MemoryPackIgnore]
    public long OwnedRetryNs => Hz / 20 * TickNs;

    /// <summary>Bytes that one train may carry: a whole number of segments.</summary>
    [MemoryPackIgnore]
    public int MaxTrain => Tso ? Math.Max(MaxSkbBytes / Mss, 1) * Mss : Mss;

    /// <summary>Truesize of a received full frame: 2,176 at MTU 1500.</summary>
    [MemoryPackIgnore]
    public int FrameTrueSize => SkbSizes.ReceiveFragment(Mss + SkbSizes.FrameHeaders) + SkbSizes.Head;

    /// <summary>Truesize by which the send buffer grows per segment of window: MSS, headers, overhead.</summary>
    [MemoryPackIgnore]
    public int SendTrueSize => Mss + 12 + MaxTcpHeader + SkbSizes.Head + SkbSizes.SharedInfo;

    /// <summary>
    /// Buffer limits of a machine with so many free buffer pages (<c>tcp_init</c>, 3.6): share = pages · 32 bytes;
    /// tcp_wmem[2] = max(64 KiB, min(4 MiB, share)), tcp_rmem[2] = max(87,380, min(6 MiB, share)).
    /// </summary>
    public static TcpParameters ForMachine(
        long freeBufferPages, int hz = 250, bool sg = true, bool tso = true, KernelRules rules = default)
    {
        var always = SocketRules.AlwaysGathers(rules);
        var share = freeBufferPages << 5;
        return new TcpParameters
        {
            Hz = hz,
            Sg = sg || always,
            Tso = sg && tso || always,
            PayloadInPages = always,
            SegmentsBelow = always && !sg,
            SndBufMax = (int)Math.Max(65_536, Math.Min(4 << 20, share)),
            RcvBufMax = (int)Math.Max(87_380, Math.Min(6 << 20, share)),
        };
    }

    /// <summary>First tick at or after <paramref name="timeNs"/>.</summary>
    public long AtTick(long timeNs) => (timeNs + TickNs - 1) / TickNs * TickNs;
}
