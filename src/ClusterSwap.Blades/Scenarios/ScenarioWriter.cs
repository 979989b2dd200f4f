// Writes a resolved scenario back as TOML, every value explicit.
using System.Globalization;
using System.Text;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Writes scenarios. What it writes reads back as an equal scenario.</summary>
internal static class ScenarioWriter
{
    /// <summary>The whole scenario.</summary>
    public static string Write(Scenario scenario)
    {
        var text = new StringBuilder("# Resolved scenario: variant and overrides applied, every value explicit.\n");
        Line(text, "name", Quote(scenario.Name));
        Line(text, "description", Quote(scenario.Description));
        Line(text, "resolved_variant", Quote(scenario.Variant));
        Line(text, "seed", scenario.Seed.ToString(CultureInfo.InvariantCulture));
        Line(text, "barrier_interval", Quote(Units.Duration(scenario.BarrierIntervalNs)));
        Line(text, "time_step", Quote(Units.Duration(scenario.TimeStepNs)));
        Line(text, "time_limit", Quote(Units.Duration(scenario.TimeLimitNs)));
        Line(text, "hang_after", Quote(Units.Duration(scenario.HangAfterNs)));
        foreach (var server in scenario.Servers)
        {
            Server(text, server);
        }

        foreach (var group in scenario.Blades)
        {
            Group(text, group);
        }

        foreach (var fault in scenario.Faults)
        {
            Header(text, "faults." + fault.Name);
            foreach (var (key, value) in FaultWriter.Lines(fault))
            {
                Line(text, key, value);
            }
        }

        Assertions(text, scenario.Assertions);
        return text.ToString();
    }

    private static void Server(StringBuilder text, ServerSpec server)
    {
        Header(text, "servers." + server.Name);
        Line(text, "bandwidth", Quote(Units.Rate(server.BandwidthBitsPerSec)));
        Line(text, "queue", Quote(Units.Size(server.QueueBytes)));
        Line(text, "read_time", Quote(Time(server.ReadTime)));
        Line(text, "write_time", Quote(Time(server.WriteTime)));
        Line(text, "rcvbuf", Quote(Units.Size(server.RcvbufBytes)));
        Line(text, "sndbuf", Quote(Units.Size(server.SndbufBytes)));
    }

    private static void Group(StringBuilder text, BladeGroup group)
    {
        var path = "blades." + group.Name;
        Header(text, path);
        Line(text, "count", Number(group.Count));
        Line(text, "server", Quote(group.Server));
        Line(text, "cpus", Number(group.Cpus));
        Line(text, "ram", Quote(Units.Pages(group.RamPages)));
        Line(text, "min_free_kbytes", group.MinFreeKbytes is { } kib ? Number(kib) : "\"auto\"");
        Line(text, "zones", Quote(group.ZoneLayout switch
        {
            ScenarioZoneLayout.Flat => "flat",
            ScenarioZoneLayout.DmaDma32 => "dma-dma32",
            _ => "dma-dma32-normal",
        }));
        Line(text, "nodes", Number(group.Nodes));
        Line(text, "mempolicy", Quote(group.Mempolicy.ToString()));
        Line(text, "slab", Quote(group.Slab.ToString().ToLowerInvariant()));
        Line(text, "era", Quote(EraWords.Word(group.Rules.Era)));
        Line(text, "patches", Quote(group.Rules.Patches.ToString()));
        Line(text, "changes", Quote(group.Rules.Changes.ToString()));
        Line(text, "scheduler", Quote(SchedulerWords.Word(group.Scheduler)));
        Line(text, "nr_requests", Number(group.NrRequests));
        Line(text, "hz", Number(group.Hz));
        Line(text, "processes_per_cpu", Number(group.ProcessesPerCpu));
        Line(text, "mapping", Quote(Units.Pages(group.MappingPages)));
        Line(text, "passes", Number(group.Passes));
        Line(text, "access", Quote(group.Access.ToString().ToLowerInvariant()));
        Line(text, "swap", Quote(Units.Pages(group.SwapPages)));
        Line(text, "page_cache", Quote(Units.Pages(group.PageCachePages)));
        Line(text, "kernel_resident", Quote(Units.Pages(group.KernelResidentPages)));
        Line(text, "warm_objects", Number(group.WarmObjects));
        Network(text, group, path);
        Costs(text, group, path);
    }

    private static void Network(StringBuilder text, BladeGroup group, string path)
    {
        Header(text, path + ".nic");
        Line(text, "sg", Truth(group.Nic.Sg));
        Line(text, "tso", Truth(group.Nic.Tso));
        Line(text, "ring", Number(group.Nic.Ring));
        Line(text, "rx_path", Quote(group.Nic.RxPath == ScenarioRxPath.PerFrame
            ? "per-frame"
            : group.Nic.RxPath.ToString().ToLowerInvariant()));
        Line(text, "mtu", Number(group.Nic.Mtu));
        Line(text, "interrupt_moderation", Quote(Units.Duration(group.Nic.InterruptModerationNs)));
        Line(text, "arp", Truth(group.Nic.Arp));
        Header(text, path + ".link");
        Line(text, "bandwidth", Quote(Units.Rate(group.Link.BandwidthBitsPerSec)));
        Line(text, "latency", Quote(Units.Duration(group.Link.LatencyNs)));
        Line(text, "queue", Quote(Units.Size(group.Link.QueueBytes)));
        Line(text, "loss_per_million", Number(group.Link.LossPerMillion));
        Header(text, path + ".background");
        Line(text, "bystanders", Number(group.Background.Bystanders));
        Line(text, "stalled_readers", Number(group.Background.StalledReaders));
        Line(text, "packets_per_second", Number(group.Background.PacketsPerSecond));
        Line(text, "packet_bytes", Number(group.Background.PacketBytes));
        Line(text, "rcvbuf", Quote(Units.Size(group.Background.RcvbufBytes)));
        Line(text, "tap", Truth(group.Background.Tap));
        Line(text, "tap_rcvbuf", Quote(Units.Size(group.Background.TapRcvbufBytes)));
        Line(text, "tap_stalled", Truth(group.Background.TapStalled));
        Streams(text, group.Background.Tcp);
    }

    private static void Streams(StringBuilder text, StreamTraffic tcp)
    {
        Line(text, "tcp_streams", Number(tcp.Streams));
        Line(text, "tcp_stalled_readers", Number(tcp.Stalled));
        Line(text, "tcp_messages_per_second", Number(tcp.MessagesPerSecond));
        Line(text, "tcp_message_bytes", Number(tcp.MessageBytes));
        Line(text, "tcp_rcvbuf", Quote(Units.Size(tcp.RcvbufBytes)));
        Line(text, "tcp_reader", Quote(Units.Pages(tcp.ReaderPages)));
        Line(text, "tcp_from", Quote(tcp.From));
        Line(text, "tcp_distance", Quote(Units.Duration(tcp.DistanceNs)));
    }

    private static void Costs(StringBuilder text, BladeGroup group, string path)
    {
        Header(text, path + ".costs");
        Line(text, "preset", Quote(group.CostPreset switch
        {
            CostPreset.Hw2012 => "hw2012",
            CostPreset.Uml => "uml",
            _ => "qemu-tcg",
        }));
        foreach (var (key, property) in Schema.Costs)
        {
            Line(text, key, Quote(Units.Duration((int)property.GetValue(group.Costs)!)));
        }
    }

    private static void Assertions(StringBuilder text, FixedList<Assertion> assertions)
    {
        (AssertionSubject[] Subjects, string Header)[] tables =
        [
            ([AssertionSubject.Verdict, AssertionSubject.MinFreePages, AssertionSubject.ElapsedNs], "expect"),
            ([AssertionSubject.VmStat], "expect.vmstat"),
            ([AssertionSubject.NetStat], "expect.netstat"),
        ];
        foreach (var (subjects, header) in tables)
        {
            var rows = assertions.Where(assertion => subjects.Contains(assertion.Subject)).ToArray();
            if (rows.Length > 0)
            {
                Header(text, header);
            }

            foreach (var row in rows)
            {
                Line(text, row.Key, Quote($"{row.Sign} {row.Text(row.Value)}"));
            }
        }
    }

    private static string Time(ServiceTime time) =>
        Units.Duration(time.Ns) + (time.PerBytes == 0 ? "" : " per " + Units.Size(time.PerBytes));

    private static void Header(StringBuilder text, string path) => text.Append($"\n[{path}]\n");

    private static void Line(StringBuilder text, string key, string value) => text.Append($"{key} = {value}\n");

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Truth(bool value) => value ? "true" : "false";

    // A basic string: quotes, backslashes and control characters escaped.
    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                < ' ' or '\u007f' => $"\\u{(int)c:X4}",
                _ => c.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }
}
