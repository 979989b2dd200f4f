// The predictions for patches 3, 8, 9, 12, 14 and 15.
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;
using CsCheck;

namespace ClusterSwap.Exploration.Pairs;

/// <summary>All predictions that pairs are searched for.</summary>
public static class Predictions
{
    private const int MsPerSecond = 1_000;

    private static readonly string[] s_directions = ["up", "down", "both"];

    /// <summary>In the order of the patches.</summary>
    public static IReadOnlyList<Prediction> All { get; } =
    [
        Hang(3, "without-3", HangCause.RingEmpty,
            "the ring's refill stops at 3/8 of min also for swap's own packets: the sender works on, receiving dies"),
        Hang(8, "without-8", HangCause.SenderLoops,
            "no socket can be privileged, so 9, 12 and 14 do nothing: the same as with the network part off"),
        Hang(9, "without-9", HangCause.RingEmpty,
            "receive buffers get nothing of the reserve: a hang although all is sent"),
        new()
        {
            Patch = 12,
            Name = "without-12-tap",
            Facts = "packet taps take references on memory of the reserve, which a user's process pins",
            Draws = TapsOnPages,
            Told = "a tap holds frames of the reserve at some barrier, and with the patch never one",
            MayShow = without => without.Measures.TapReserveMost > 0,
            Shows = (with, without) => with.GotOn && with.Measures.TapReserveMost == 0 && without.Measures.TapReserveMost > 0,
            ShowsContrary = (with, without) => with.Measures.TapReserveMost > without.Measures.TapReserveMost,
        },
        new()
        {
            Patch = 12,
            Name = "without-12-arp",
            Facts = "what is allocated while a packet is received, such as the answer to ARP, fails; when the neighbour entry has "
                + "expired under pressure, the link stalls",
            Told = "more ARP frames find no memory than with the patch, with which it gets on",
            Draws = LongPartition,
            MayShow = without => without.Measures.ArpAllocFailed > 0,
            Shows = (with, without) => with.GotOn && without.Measures.ArpAllocFailed > with.Measures.ArpAllocFailed,
            ShowsContrary = (with, without) => with.Measures.ArpAllocFailed > without.Measures.ArpAllocFailed,
        },
        Hang(14, "without-14", HangCause.SenderLoops,
            "the whole network part is dormant: the original deadlock"),
        new()
        {
            Patch = 15,
            Name = "without-15-entries",
            Facts = "with it no task but kernel threads enters reclaim for a request with FS while half of the reserve is gone",
            Told = "such reclaims begin, and with the patch none does",
            MayShow = without => without.Measures.ReclaimsBelowHalf > 0,
            Shows = (with, without) => with.GotOn && with.Measures.ReclaimsBelowHalf == 0 && with.Measures.Throttled > 0
                && without.Measures.ReclaimsBelowHalf > 0,
            ShowsContrary = (with, without) => with.Measures.ReclaimsBelowHalf > without.Measures.ReclaimsBelowHalf,
        },
        new()
        {
            Patch = 15,
            Name = "without-15-min-free",
            Facts = "in one flat zone the fewest free pages of the run are lower without it",
            Told = "fewer pages are free at the worst moment than with the patch, which throttles",
            MayShow = without => without.Measures.ReclaimsBelowHalf > 0,
            Shows = (with, without) => with.GotOn && with.Measures.Throttled > 0
                && without.Measures.MinFreePages < with.Measures.MinFreePages,
            ShowsContrary = (with, without) => without.Measures.MinFreePages > with.Measures.MinFreePages,
        },
        Hang(15, "without-15-hang", null,
            "enough reclaimers at once take the reserve to 0, after which even privileged requests fail: a hang becomes possible")
            with { MayShow = without => without.Measures.ReclaimsBelowHalf > 0 },
    ];

    /// <summary>Those of a patch.</summary>
    public static IReadOnlyList<Prediction> Of(int patch) => [.. All.Where(prediction => prediction.Patch == patch)];

    /// <summary>A tap on a card that takes pages: in 3.6 only its frames are tagged.</summary>
    private static Gen<Deployment> TapsOnPages =>
        from deployment in Deployments.Any(never: Feature.Blades)
        from stalled in Gen.Bool
        select deployment with
        {
            Blades = new(deployment.Blades.Select(blade => blade with
            {
                Nic = blade.Nic with { RxPath = "paged" },
                Traffic = blade.Traffic with { Tap = true, TapStalled = stalled },
            })),
        };

    /// <summary>The cable of a blade whose card takes pages is cut for longer than neighbour entries last.</summary>
    private static Gen<Deployment> LongPartition =>
        from deployment in Deployments.Any(never: Feature.Datagrams | Feature.Streams | Feature.Tap | Feature.Blades)
        from atMs in Gen.Int[5, deployment.PressureMs]
        from seconds in Gen.Int[25, 90]
        from minFreeKbytes in Gen.Int[128, 512]
        from direction in Gen.Int[0, s_directions.Length - 1]
        select deployment with
        {
            PressureMs = atMs + seconds * MsPerSecond,
            Blades = new(deployment.Blades.Select(blade => blade with
            {
                Nic = blade.Nic with { RxPath = "paged", Arp = true },
                MinFreeKbytes = minFreeKbytes,
            })),
            Fault = new FaultDraw(
                "partition", atMs, seconds * MsPerSecond, $"direction = \"{s_directions[direction]}\""),
        };

    private static Prediction Hang(int patch, string name, HangCause? cause, string facts) => new()
    {
        Patch = patch,
        Name = name,
        Facts = facts,
        Told = cause is { } known ? $"it hangs ({HangCauses.Of(known)}), and with the patch it gets on" : "it hangs, and with the patch it gets on",
        MayShow = without => without.Hangs && (cause is null || without.Finding.Cause == cause),
        Shows = (with, without) => with.GotOn && without.Hangs && (cause is null || without.Finding.Cause == cause),
        ShowsContrary = (with, without) => with.Hangs && without.GotOn,
    };
}
