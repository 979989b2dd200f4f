// Every key that a scenario may have, with what it may hold and its default. docs/scenario-format.md is held
// against it.
using System.Reflection;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>A key of a scenario. Exactly one of <see cref="Rule"/>, <see cref="Table"/> and
/// <see cref="Named"/> is set.</summary>
/// <param name="Name">Name in the file.</param>
/// <param name="Rule">What its value may be.</param>
/// <param name="Default">Value when nobody gives one, as it would stand in the file; null = must be given.</param>
/// <param name="Table">The table that it holds.</param>
/// <param name="Named">It holds tables by free names, each of this schema; <c>false</c> takes one out.</param>
internal sealed record SchemaKey(
    string Name, ValueRule? Rule, string? Default = null, SchemaTable? Table = null, SchemaTable? Named = null);

/// <summary>The keys of a table.</summary>
internal sealed record SchemaTable(params SchemaKey[] Keys)
{
    /// <summary>The key of a name, or null.</summary>
    public SchemaKey? Find(string name) => Array.Find(Keys, key => key.Name == name);
}

/// <summary>The schema of scenarios.</summary>
internal static class Schema
{
    /// <summary>The costs of <see cref="CostModel"/>, in order of name, with the key of each.</summary>
    public static readonly (string Key, PropertyInfo Property)[] Costs = typeof(CostModel)
        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.PropertyType == typeof(int) && property.Name.EndsWith("Ns"))
        .Select(property => (Snake(property.Name[..^2]), property))
        .OrderBy(cost => cost.Item1, StringComparer.Ordinal)
        .ToArray();

    private static readonly SchemaTable Nic = new(
        new("sg", new BooleanRule(), "true"),
        new("tso", new BooleanRule(), "true"),
        new("ring", new IntegerRule(16, 4_096), "256"),
        new("rx_path", new WordRule("fragment", "paged", "copybreak", "per-frame"), "\"fragment\""),
        new("mtu", new IntegerRule(576, 9_000), "1500"),
        new("interrupt_moderation", new QuantityRule(QuantityKind.Duration, "20 us", "125 us"), "\"50 us\""),
        new("arp", new BooleanRule(), "false"));

    private static readonly QuantityRule Bandwidth =
        new(QuantityKind.Rate, "1 kbit/s", "1000 Gbit/s", "a link without bandwidth");

    private static readonly QuantityRule Queue = new(QuantityKind.Size, "1514 B", "1 GiB");

    private static readonly SchemaTable Link = new(
        new("bandwidth", Bandwidth, "\"1 Gbit/s\""),
        new("latency", new QuantityRule(QuantityKind.Duration, "1 ns", "10 s", "a link without latency"), "\"50 us\""),
        new("queue", Queue, "\"512 KiB\""),
        new("loss_per_million", new IntegerRule(0, 1_000_000), "0"));

    private static readonly SchemaTable Background = new(
        new("bystanders", new IntegerRule(0, 10_000), "0"),
        new("stalled_readers", new IntegerRule(0, 10_000), "0"),
        new("packets_per_second", new IntegerRule(0, 10_000_000), "0"),
        new("packet_bytes", new IntegerRule(1, 8_972), "1400"),
        new("rcvbuf", new QuantityRule(QuantityKind.Size, "2304 B", "1 GiB"), "\"208 KiB\""),
        new("tap", new BooleanRule(), "false"),
        new("tap_rcvbuf", new QuantityRule(QuantityKind.Size, "2304 B", "1 GiB"), "\"208 KiB\""),
        new("tap_stalled", new BooleanRule(), "false"),
        new("tcp_streams", new IntegerRule(0, 1_000), "0"),
        new("tcp_stalled_readers", new IntegerRule(0, 1_000), "0"),
        new("tcp_messages_per_second", new IntegerRule(0, 10_000_000), "0"),
        new("tcp_message_bytes", new IntegerRule(1, 65_536), "1448"),
        new("tcp_rcvbuf", new QuantityRule(QuantityKind.Size, "2304 B", "1 GiB"), "\"87380 B\""),
        new("tcp_reader", new QuantityRule(QuantityKind.Pages, "4 KiB", "1 GiB"), "\"64 KiB\""),
        new("tcp_from", new TextRule(true), "\"auto\""),
        new("tcp_distance", new QuantityRule(QuantityKind.Duration, "0 ns", "1 s"), "\"0 ns\""));

    private static readonly SchemaTable CostTable = new([
        new("preset", new WordRule("hw2012", "uml", "qemu-tcg"), "\"hw2012\""),
        .. Costs.Select(cost => new SchemaKey(
            cost.Key, new QuantityRule(QuantityKind.Duration, "0 ns", "1 s"), ""))]);

    private static readonly SchemaTable Blade = new(
        new("server", new TextRule(true)),
        new("cpus", new IntegerRule(1, 64), "4"),
        new("ram", new QuantityRule(QuantityKind.Pages, "64 KiB", "1 TiB")),
        new("min_free_kbytes", new ReserveRule(), "\"auto\""),
        new("zones", new WordRule("flat", "dma-dma32", "dma-dma32-normal"), "\"dma-dma32\""),
        new("nodes", new OneOfRule(1, 2), "1"),
        new("mempolicy", new WordRule(MempolicyWords.All), "\"default\""),
        new("slab", new WordRule("slub", "slab"), "\"slub\""),
        new("era", new EraRule(), "\"3.6\""),
        new("patches", new PatchesRule(), "\"auto\""),
        new("changes", new ChangesRule(), "\"auto\""),
        new("scheduler", new WordRule("auto", "cfq", "none", "mq-deadline"), "\"auto\""),
        new("nr_requests", new IntegerRule(RequestQueue.FewestRequests, 10_000), "128"),
        new("hz", new OneOfRule(100, 250, 300, 1_000), "250"),
        new("processes_per_cpu", new IntegerRule(1, 1_024), "8"),
        new("mapping", new MappingRule(), "\"4x\""),
        new("passes", new IntegerRule(1, 1_000_000), "5"),
        new("access", new WordRule("write", "read"), "\"write\""),
        new("swap", new QuantityRule(QuantityKind.Pages, "4 KiB", "4 TiB")),
        new("page_cache", new QuantityRule(QuantityKind.Pages, "0 B", "1 TiB"), "\"48 MiB\""),
        new("kernel_resident", new QuantityRule(QuantityKind.Pages, "0 B", "1 TiB"), "\"48 MiB\""),
        new("warm_objects", new IntegerRule(0, 4_096), "256"),
        new("nic", null, Table: Nic),
        new("link", null, Table: Link),
        new("background", null, Table: Background),
        new("costs", null, Table: CostTable));

    private static readonly SchemaTable Server = new(
        new("queue", Queue, "\"512 KiB\""),
        new("read_time", new ServiceTimeRule(), "\"50 us\""),
        new("write_time", new ServiceTimeRule(), "\"50 us\""),
        new("rcvbuf", new QuantityRule(QuantityKind.Size, "4 KiB", "1 GiB"), "\"6 MiB\""),
        new("sndbuf", new QuantityRule(QuantityKind.Size, "4 KiB", "1 GiB"), "\"4 MiB\""));

    private static readonly SchemaTable Expect = new(
        new("verdict", new ComparisonRule(AssertionSubject.Verdict), ""),
        new("min_free_pages", new ComparisonRule(AssertionSubject.MinFreePages), ""),
        new("elapsed", new ComparisonRule(AssertionSubject.ElapsedNs), ""),
        new("vmstat", null, Table: new([.. Enum.GetNames<VmCounter>().Select(name =>
            new SchemaKey(name, new ComparisonRule(AssertionSubject.VmStat), ""))])),
        new("netstat", null, Table: new([.. NetCounters.Select(name =>
            new SchemaKey(name, new ComparisonRule(AssertionSubject.NetStat), ""))])));

    /// <summary>Counters of the network, as /proc/net/netstat and /proc/net/dev spell them.</summary>
    private static IReadOnlyList<string> NetCounters =>
    [
        "PruneCalled", "RcvPruned", "OfoPruned", "TCPOFODrop", "TCPBacklogDrop", "TCPTimeouts", "DelayedACKs",
        "TCPMemoryPressures", "PFMemallocDrop", "rx_dropped", "rx_no_buffer_count",
    ];

    /// <summary>What a variant and the command line may set.</summary>
    public static readonly SchemaTable Values = new(
        new("name", new TextRule(true)),
        new("description", new TextRule(false), "\"\""),
        new("resolved_variant", new TextRule(true), "\"base\""),
        new("seed", new IntegerRule(0, long.MaxValue), "1"),
        new("barrier_interval", new QuantityRule(QuantityKind.Duration, "1 ms", "1 h"), "\"1 s\""),
        new("time_step", new QuantityRule(QuantityKind.Duration, "1 ns", "1 ms"), "\"1 ns\""),
        new("time_limit", new QuantityRule(QuantityKind.Duration, "1 ms", "100000 h"), "\"4 h\""),
        new("hang_after", new QuantityRule(QuantityKind.Duration, "1 s", "24 h"), "\"120 s\""),
        new("blade", null, Table: Blade),
        new("blades", null, Named: new([new("count", new IntegerRule(1, 10_000)), .. Blade.Keys])),
        new("server", null, Table: Server),
        new("servers", null, Named: new([new("bandwidth", Bandwidth), .. Server.Keys])),
        new("faults", null, Named: FaultSchema.Table(Bandwidth)),
        new("expect", null, Table: Expect));

    /// <summary>What a file may hold.</summary>
    public static readonly SchemaTable Root = new([
        new("extends", new TextRule(false), ""),
        .. Values.Keys,
        new("variants", null, Named: Values)]);

    // SlabPair -> slab_pair
    private static string Snake(string name) => string.Concat(name.Select((c, i) =>
        char.IsUpper(c) ? (i == 0 ? "" : "_") + char.ToLowerInvariant(c) : c.ToString()));
}
