// Patches 7 to 12 and 14: sockets and packets.
namespace ClusterSwap.Kernel;

public static partial class PatchCatalogue
{
    private static PatchInfo[] Network =>
    [
        new()
        {
            Number = 7,
            Name = "sk_gfp_atomic",
            Title = "net: introduce sk_gfp_atomic() to allow addition of GFP flags depending on the individual socket",
            Commit = "99a1dec7",
            CommitSeen = false,
            Needs = [],
            Rule = "Atomic requests on behalf of a socket (ACKs, transmission, probes) take the socket's MEMALLOC along.",
            Without = "The mark of patch 8 does not reach ACKs.",
            Prediction = "ACKs of the swap socket fail at the floor of an ordinary atomic request and are tried again every 200 ms.",
        },
        new()
        {
            Number = 8,
            Name = "SOCK_MEMALLOC",
            Title = "netvm: allow the use of __GFP_MEMALLOC by specific sockets",
            Commit = "7cb02404",
            CommitSeen = false,
            Needs = [3, 7],
            Rule = "A socket can be marked as one that the machine needs to free memory. Its own requests then carry MEMALLOC.",
            Without = "No socket can be marked, so 9, 12 and 14 have nobody to serve.",
            Prediction = "The same as with the whole network part off: the sender stops at the min mark and the blade hangs.",
        },
        new()
        {
            Number = 9,
            Name = "receive from the reserve",
            Title = "netvm: allow skb allocation to use PFMEMALLOC reserves",
            Commit = "c93bdd0e03e8",
            CommitSeen = true,
            Needs = [3, 8],
            Rule = "While a marked socket exists, receive buffers may use the reserve. A buffer that did is tagged, and dropped by the "
                + "filter of every socket that is not marked: whose packet it is, is known only after it has a buffer.",
            Without = "Receive buffers stop at the floor: sends succeed, ACKs and replies find no buffer.",
            Prediction = "Without the patch the ring runs empty although the sender gets all it asks for. With the grant and without the "
                + "drop (which the switch does not separate) traffic of others would use up the reserve in a time that falls in "
                + "proportion to its rate.",
        },
        new()
        {
            Number = 10,
            Name = "tag of fragments",
            Title = "netvm: propagate page->pfmemalloc to skb",
            Commit = "c48a11c7ad26",
            CommitSeen = true,
            Needs = [9],
            IdleWithout = [9],
            Rule = "A page of the reserve that is attached to a buffer as fragment tags the buffer.",
            Without = "Reserve pages get past the filter as fragments of buffers that look ordinary.",
            Prediction = "Datagrams in ordinary sockets that hold pages of the reserve on the paged path: none with the patch, some without.",
        },
        new()
        {
            Number = 11,
            Name = "driver pages",
            Title = "netvm: propagate page->pfmemalloc from skb_alloc_page to skb",
            Commit = "",
            CommitSeen = false,
            Needs = [9],
            Rule = "Drivers that receive into pages (igb, ixgbe) ask for them with MEMALLOC, and the buffer is tagged.",
            Without = "Their refill stops at 3/8 of min: a short ring, lost frames, retransmissions.",
            Prediction = "More failed refills and lost frames on the paged path; slower, but it does not hang.",
        },
        new()
        {
            Number = 12,
            Name = "tagged packets",
            Title = "netvm: set PF_MEMALLOC as appropriate during SKB processing",
            Commit = "b4b9e355",
            CommitSeen = false,
            Needs = [4, 9],
            IdleWithout = [9],
            Rule = "While a tagged packet is processed, the CPU's task has PF_MEMALLOC; packet taps do not see it, and only protocols go "
                + "on that the swap connection may need (ARP, IPv4, IPv6, VLAN). The same for packets of a socket's backlog.",
            Without = "What processing allocates (ARP answers, clones) fails; packet taps hold memory of the reserve.",
            Prediction = "With a tap, pages of the reserve are held by a user process; a stale neighbour under pressure stops the link.",
        },
        new()
        {
            Number = 13,
            Name = "SLAB checks on demand",
            Title = "mm: micro-optimise slab to avoid a function call",
            Commit = "381760ea",
            CommitSeen = false,
            Needs = [1, 9],
            IdleWithout = [1],
            Rule = "SLAB looks at tags only while a marked socket exists; a branch that is patched at run time costs nothing else.",
            Without = "SLAB makes the check at every request, on every machine.",
            Prediction = "With swap on NBD nothing but the cost: the same trace. Without a marked socket, checks are counted only without "
                + "the patch (slab_reserve_checks).",
            Setting = ["blade.slab=slab"],
        },
        new()
        {
            Number = 14,
            Name = "NBD uses it all",
            Title = "nbd: set SOCK_MEMALLOC for access to PFMEMALLOC reserves",
            Commit = "7f338fe4",
            CommitSeen = false,
            Needs = [3, 8],
            IdleWithout = [8],
            Rule = "NBD marks its socket and sends and receives with PF_MEMALLOC.",
            Without = "No socket is marked: the network part sleeps, and the deadlock is the one of 3.5.",
            Prediction = "The blade hangs with the sender in the allocator, as without any patch.",
        },
    ];

    // One CPU and little reserve: ordinary tasks enter reclaim while half of the reserve is gone.
    private static string[] Throttling =>
    [
        "blade.background.packets_per_second=0", "blade.cpus=1", "blade.processes_per_cpu=32", "blade.min_free_kbytes=512",
    ];

    private static PatchInfo[] Throttle =>
    [
        new()
        {
            Number = 15,
            Name = "throttle",
            Title = "mm: throttle direct reclaimers if PF_MEMALLOC reserves are low and swap is backed by network storage",
            Commit = "5515061d22f0",
            CommitSeen = true,
            Needs = [],
            Rule = "A task that wants to reclaim waits while no more than half of the reserve is free, until kswapd has made more. Kernel "
                + "threads are exempt; a request without FS waits a second at most. In spite of the title it applies to every swap device.",
            Without = "Any number of reclaimers may take from the reserve at the same time: it can go to 0, where even the marked socket "
                + "gets nothing.",
            Prediction = "The fewest free pages of a run are lower without it in one flat zone. With DMA and DMA32 it makes hardly a "
                + "difference, as the protected pages of DMA count as free.",
            Setting = Throttling,
        },
        new()
        {
            Number = 16,
            Name = "count throttling",
            Title = "mm: account for the number of times direct reclaimers get throttled",
            Commit = "68243e76",
            CommitSeen = false,
            Needs = [15],
            IdleWithout = [15],
            Rule = "pgscan_direct_throttle in /proc/vmstat counts how often a task was made to wait.",
            Without = "It is invisible; nothing else changes.",
            Prediction = "The counter is above 0 exactly when the test failed for a task that is no kernel thread; without the patch it "
                + "stays 0 in the same run.",
            Setting = Throttling,
        },
    ];
}
