// /proc/net/netstat, /proc/net/snmp and /proc/net/dev.
using System.Text;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>The files of the network.</summary>
public static class NetFiles
{
    /// <summary>Name of the NIC.</summary>
    public const string Nic = "eth0";

    // Of a frame's bytes on the wire: preamble and gap and checksum, which no counter shows; then the Ethernet header.
    private const int NotCounted = 20 + 4;
    private const int EthernetHeader = 14;

    // Constants that the kernel prints: RtoAlgorithm 1 is "other", MaxConn −1 is "dynamic".
    private const int DefaultTtl = 64;
    private const int RtoMinMs = 200;
    private const int RtoMaxMs = 120_000;

    /// <summary>/proc/net/netstat: for each table a line of names and a line of numbers.</summary>
    public static string NetStat(ProcMoment moment, ProcForm form) =>
        Tables(NetNames.NetStat(form), table => table == "TcpExt" ? TcpExt(moment) : IpExt(moment));

    /// <summary>/proc/net/snmp, in the same way.</summary>
    public static string Snmp(ProcMoment moment, ProcForm form) =>
        Tables(NetNames.Snmp(form), table => table switch
        {
            "Ip" => Ip(moment),
            "Tcp" => Tcp(moment),
            "Udp" => Udp(moment, form),
            _ => new NamedCounters(),
        });

    /// <summary>/proc/net/dev: the NIC and the loopback device.</summary>
    public static string Dev(ProcMoment moment)
    {
        var text = new StringBuilder();
        var ring = moment.Softirq.Ring;
        var wire = moment.Uplink;
        text.Line($"Inter-|   Receive                                                |  Transmit");
        text.Append(" face |bytes    packets errs drop fifo frame compressed multicast|");
        text.Line($"bytes    packets errs drop fifo colls carrier compressed");
        DevLine(text, "lo", default, default);
        DevLine(
            text, Nic, (0, moment.Softirq.Frames, ring.RxDropped, ring.RxMissed),
            (wire.WireBytes - NotCounted * wire.Frames, wire.Frames, 0, 0));
        return text.ToString();
    }

    /// <summary>/proc/net/sockstat: sockets in use, and the pages that tcp_mem and udp_mem count.</summary>
    public static string SockStat(ProcMoment moment)
    {
        var text = new StringBuilder();
        var tcp = moment.Memory.Tcp.Quota;
        var udp = moment.Sockets?.Memory.Quota ?? default;
        var packet = moment.Place.Group.Background.Tap ? 1 : 0;
        text.Line($"sockets: used {tcp.Sockets + udp.Sockets + packet}");
        text.Line($"TCP: inuse {tcp.Sockets} orphan 0 tw 0 alloc {tcp.Sockets} mem {tcp.AllocatedPages}");
        text.Line($"UDP: inuse {udp.Sockets} mem {udp.AllocatedPages}");
        text.Line($"UDPLITE: inuse 0");
        text.Line($"RAW: inuse 0");
        text.Line($"FRAG: inuse 0 memory 0");
        return text.ToString();
    }

    /// <summary>Values of TcpExt.</summary>
    public static NamedCounters TcpExt(ProcMoment moment)
    {
        var counters = moment.Device.Counters;
        var socket = moment.Device.Socket;
        var streams = moment.Streams;
        return new NamedCounters
        {
            ["PruneCalled"] = counters.PruneCalled + streams.PruneCalled,
            ["RcvPruned"] = counters.ReceivePruned + streams.ReceivePruned,
            ["OfoPruned"] = socket.Tcp.OfoPruned + streams.OfoPruned,
            ["DelayedACKs"] = counters.DelayedAcks + streams.DelayedAcks,
            ["TCPFastRetrans"] = counters.FastRetransmits,
            ["TCPTimeouts"] = counters.TcpTimeouts,
            ["TCPMemoryPressures"] = moment.Memory.Tcp.Quota.Pressures,
            ["TCPRcvCollapsed"] = streams.Collapsed,
            ["TCPBacklogDrop"] = socket.Backlog.Drops + streams.BacklogDrops,
            ["PFMemallocDrop"] = counters.FilterDrops + (moment.Sockets?.FilterDrops ?? 0) + streams.FilterDrops,
        };
    }

    private static NamedCounters IpExt(ProcMoment moment) => new()
    {
        ["OutOctets"] = moment.Uplink.WireBytes - (NotCounted + EthernetHeader) * moment.Uplink.Frames,
    };

    private static NamedCounters Ip(ProcMoment moment) => new()
    {
        ["Forwarding"] = 2,
        ["DefaultTTL"] = DefaultTtl,
        ["InReceives"] = moment.Softirq.Frames,
        ["InDelivers"] = moment.Softirq.Frames,
        ["OutRequests"] = moment.Uplink.Frames,
    };

    // A blade sends nothing but the segments of its NBD connection and ACKs of streams; segments sent again are not in
    // OutSegs.
    private static NamedCounters Tcp(ProcMoment moment) => new()
    {
        ["RtoAlgorithm"] = 1,
        ["RtoMin"] = RtoMinMs,
        ["RtoMax"] = RtoMaxMs,
        ["MaxConn"] = -1,
        ["ActiveOpens"] = 1,
        ["CurrEstab"] = (moment.Device.Failed ? 0 : 1) + moment.Place.Spec.Readers,
        ["InSegs"] = moment.Softirq.Frames - (moment.Sockets?.Arrived ?? 0),
        ["OutSegs"] = Math.Max(0, moment.Uplink.Frames - moment.Device.Counters.Retransmitted),
        ["RetransSegs"] = moment.Device.Counters.Retransmitted,
    };

    private static NamedCounters Udp(ProcMoment moment, ProcForm form)
    {
        if (moment.Sockets is not { } sockets)
        {
            return new NamedCounters();
        }

        // 3.6 has no counter of its own for datagrams that udp_mem refuses.
        return new NamedCounters
        {
            ["InDatagrams"] = sockets.Read,
            ["InErrors"] = sockets.RcvbufErrors + sockets.MemErrors,
            ["RcvbufErrors"] = sockets.RcvbufErrors,
            ["MemErrors"] = form == ProcForm.Linux61 ? sockets.MemErrors : 0,
        };
    }

    private static string Tables(
        IReadOnlyList<(string Table, IReadOnlyList<string> Columns)> tables, Func<string, NamedCounters> valuesOf)
    {
        var text = new StringBuilder();
        foreach (var (table, columns) in tables)
        {
            var values = valuesOf(table);
            text.Line($"{table}: {string.Join(' ', columns)}");
            text.Line($"{table}: {string.Join(' ', columns.Select(column => values[column]))}");
        }

        return text.ToString();
    }

    private static void DevLine(
        StringBuilder text, string name, (long Bytes, long Packets, long Drop, long Fifo) rx,
        (long Bytes, long Packets, long Drop, long Fifo) tx)
    {
        var received = FormattableString.Invariant(
            $"{rx.Bytes,7} {rx.Packets,7} {0,4} {rx.Drop,4} {rx.Fifo,4} {0,5} {0,10} {0,9}");
        var sent = FormattableString.Invariant(
            $"{tx.Bytes,8} {tx.Packets,7} {0,4} {tx.Drop,4} {tx.Fifo,4} {0,5} {0,7} {0,10}");
        text.Line($"{name,6}: {received} {sent}");
    }
}
