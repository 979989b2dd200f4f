// Generators of deployments: small machines under swap, whatever else is on.
using ClusterSwap.Blades.Scenarios;
using CsCheck;

namespace ClusterSwap.Exploration.Generators;

/// <summary>
/// Draws deployments of one or two blades of 20 to 32 MiB that work on more memory than they have. The seed draws
/// first which features are on, then their values; CsCheck makes what fails smaller.
/// </summary>
public static class Deployments
{
    private const uint Stream = 1;

    private static readonly int[] s_rings = [32, 64, 128, 256];
    private static readonly int[] s_mbits = [100, 1_000, 10_000];
    private static readonly (string Kind, string Keys)[] s_faults =
    [
        ("loss", "per_million = 20000"),
        ("delay", "delay = \"2 ms\"\njitter = \"1 ms\""),
        ("reorder", "per_million = 50000"),
        ("duplicate", "per_million = 50000"),
        ("rate", "bandwidth = \"20 Mbit/s\""),
        ("partition", string.Empty),
        ("swizzle-clog", "per_million = 1000000"),
        ("server-stall", string.Empty),
        ("server-delay", "delay = \"5 ms\""),
        ("server-error", "operations = \"write\"\nper_million = 50000"),
        ("server-restart", string.Empty),
    ];

    private static readonly Feature s_all = Enum.GetValues<Feature>().Aggregate((all, feature) => all | feature);

    /// <summary>Deployments of a kernel with these patches and this slab allocator.</summary>
    /// <param name="patches">As a scenario spells them: "all", "none", "all - 14".</param>
    /// <param name="slab">"slub" or "slab".</param>
    /// <param name="never">Features that are never on.</param>
    public static Gen<Deployment> Any(string patches = "all", string slab = "slub", Feature never = Feature.None) =>
        from features in Gen.Int[0, (int)s_all]
        from deployment in With((Feature)features & ~never, patches, slab)
        select deployment;

    /// <summary>
    /// The same, each with a fault of some kind that begins under pressure and ends with it: links heal and servers go
    /// on when calm begins. After a server's restart its clients stay disconnected, as in the kernel.
    /// </summary>
    public static Gen<Deployment> WithFaults(string patches = "all", string slab = "slub") =>
        from deployment in Any(patches, slab)
        from kind in Gen.Int[0, s_faults.Length - 1]
        from atMs in Gen.Int[1, deployment.PressureMs - 1]
        select deployment with
        {
            Fault = new FaultDraw(
                s_faults[kind].Kind, atMs, deployment.PressureMs - atMs, s_faults[kind].Keys),
        };

    /// <summary>
    /// Deployment number <paramref name="number"/> of a generator: the same in every process. The number is the seed of
    /// the run as well.
    /// </summary>
    public static Deployment Draw(this Gen<Deployment> generator, ulong number) =>
        generator.Generate(new PCG(Stream, number), null, out _) with { Seed = number };

    private static Gen<Deployment> With(Feature features, string patches, string slab) =>
        from first in Group(features, patches, slab, 0)
        from second in Group(features, patches, slab, Has(features, Feature.Servers) ? 1 : 0)
        from count in Gen.Int[1, 2]
        from servers in Server(features).Array[Has(features, Feature.Servers) ? 2 : 1]
        from pressureMs in Gen.Int[15, 40]
        select new Deployment
        {
            Seed = 1,
            Features = features,
            PressureMs = pressureMs,
            Blades = new FixedList<BladeDraw>(
                !Has(features, Feature.Blades) ? [first] : count == 1 ? [first, second] : [first with { Count = 2 }]),
            Servers = new FixedList<ServerDraw>(servers),
        };

    private static Gen<BladeDraw> Group(Feature features, string patches, string slab, int server) =>
        from machine in Machine(features)
        from nic in Nic(features)
        from link in Link(features)
        from traffic in Traffic(features)
        select machine with
        {
            Server = server,
            Patches = patches,
            Slab = slab,
            Nic = nic,
            Link = link,
            Traffic = traffic,
        };

    private static Gen<BladeDraw> Machine(Feature features) =>
        from size in Gen.Select(Gen.Int[1, 3], Gen.Int[20, 32], Gen.Int[120, 200])
        from processes in Gen.Int[1, Has(features, Feature.Processes) ? 16 : 4]
        from reserve in Gen.Int[30, 300]
        from cacheMib in Gen.Int[0, 3]
        select new BladeDraw
        {
            Cpus = size.Item1,
            RamMib = size.Item2,
            MappingPercent = size.Item3,
            ProcessesPerCpu = processes,
            MinFreeKbytes = Has(features, Feature.Reserve) ? OwnReserve(size.Item2) * reserve / 100 : 0,
            TwoZones = Has(features, Feature.Zones),
            Reads = Has(features, Feature.Reading),
            PageCacheMib = cacheMib,
            WarmObjects = Has(features, Feature.ColdSlabs) ? 0 : 64,
        };

    // init_per_zone_wmark_min: the root of 16 x lowmem in KiB.
    private static int OwnReserve(int ramMib) => (int)Math.Sqrt(16.0 * ramMib * 1024);

    private static Gen<NicDraw> Nic(Feature features) =>
        from ring in Gen.Int[0, s_rings.Length - 1]
        from paged in Gen.Bool
        select new NicDraw(
            !Has(features, Feature.NoGather),
            s_rings[ring],
            Has(features, Feature.OtherCard) ? paged ? "paged" : "copybreak" : "fragment",
            Has(features, Feature.Arp));

    private static Gen<LinkDraw> Link(Feature features) =>
        from speed in Gen.Int[0, s_mbits.Length - 1]
        from latencyUs in Gen.Int[10, 1_000]
        from loss in Gen.Int[1, 5_000]
        select new LinkDraw(
            Has(features, Feature.SlowLink) ? s_mbits[speed] : 1_000,
            Has(features, Feature.SlowLink) ? latencyUs : 50,
            Has(features, Feature.Loss) ? loss : 0);

    private static Gen<ServerDraw> Server(Feature features) =>
        from readUs in Gen.Int[50, 1_300]
        from writeUs in Gen.Int[50, 1_300]
        select Has(features, Feature.SlowServer) ? new ServerDraw(readUs, writeUs) : new ServerDraw();

    private static Gen<TrafficDraw> Traffic(Feature features) =>
        from sockets in Gen.Select(Gen.Int[1, 4], Gen.Int[0, 4], Gen.Int[1_000, 50_000], Gen.Int[64, 1_472])
        from streams in Gen.Select(Gen.Int[1, 3], Gen.Int[0, 3], Gen.Int[100, 5_000])
        from tapStalled in Gen.Bool
        let datagrams = Has(features, Feature.Datagrams)
        let tcp = Has(features, Feature.Streams)
        let tap = Has(features, Feature.Tap)
        select new TrafficDraw(
            datagrams ? sockets.Item1 : 0,
            datagrams ? Math.Min(sockets.Item1, sockets.Item2) : 0,
            datagrams ? sockets.Item3 : 0,
            sockets.Item4,
            tcp ? streams.Item1 : 0,
            tcp ? Math.Min(streams.Item1, streams.Item2) : 0,
            tcp ? streams.Item3 : 0,
            tap,
            tap && tapStalled);

    private static bool Has(Feature features, Feature feature) => (features & feature) != 0;
}
