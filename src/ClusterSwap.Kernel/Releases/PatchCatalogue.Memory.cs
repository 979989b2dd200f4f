// Patches 1 to 6: pages, slabs and requests.
namespace ClusterSwap.Kernel;

public static partial class PatchCatalogue
{
    private static PatchInfo[] Memory =>
    [
        new()
        {
            Number = 1,
            Name = "slabs of the reserve",
            Title = "mm: sl[au]b: add knowledge of PFMEMALLOC reserve pages",
            Commit = "072bb0aa",
            CommitSeen = true,
            Needs = [],
            Rule = "A slab whose page was granted below the watermarks is flagged. Its free objects go only to requests that could have "
                + "had such a page themselves. SLAB tags the objects in its arrays; SLUB compares the flag of the CPU's slab with the "
                + "request.",
            Without = "One page of the reserve becomes sixteen heads of socket buffers, and anybody may take them. The reserve drains to "
                + "users who free nothing in return.",
            Prediction = "Objects of reserve slabs in the hands of ordinary requests: none with SLAB, at most what lies on the CPUs with "
                + "SLUB; without the patch any number. More ordinary requests fail with the patch than without.",
        },
        new()
        {
            Number = 2,
            Name = "SLUB fast path",
            Title = "mm: slub: optimise the SLUB fast path to avoid pfmemalloc checks",
            Commit = "5091b74a95d4",
            CommitSeen = true,
            Needs = [1],
            IdleWithout = [1],
            Rule = "SLUB looks at the flag only in its slow path. What lies on the CPU's free list is handed out unseen.",
            Without = "Every request is checked: slower, but nothing leaks.",
            Prediction = "After a privileged request has put a flagged slab on a CPU, ordinary requests get the rest of that one slab; "
                + "without the patch they get nothing of it.",
        },
        new()
        {
            Number = 3,
            Name = "__GFP_MEMALLOC",
            Title = "mm: introduce __GFP_MEMALLOC to allow access to emergency reserves",
            Commit = "",
            CommitSeen = false,
            Needs = [],
            Rule = "A request may carry the right to ignore the watermarks, in any context. Before, only a task could have it "
                + "(PF_MEMALLOC), and not in interrupts.",
            Without = "Receive buffers and ACKs, which are asked for in softirq, stop at the floor of their watermark. The sender itself "
                + "goes on, as patch 14 marks its task too: it sends, and nothing comes back.",
            Prediction = "The refill of the ring fails at 3/8 of min (half of min for buffers with two tries), for the swap's own "
                + "packets too.",
        },
        new()
        {
            Number = 4,
            Name = "PF_MEMALLOC in softirq",
            Title = "mm: allow PF_MEMALLOC from softirq context",
            Commit = "",
            CommitSeen = false,
            Needs = [],
            Rule = "The task flag counts in a softirq; and a softirq that interrupts a task does not inherit the task's flag: it is taken "
                + "away for that time.",
            Without = "The flag that patch 12 sets for a packet does nothing, so copies, clones and ARP entries on its behalf fail.",
            Prediction = "With no page above the floor, a request without MEMALLOC during the processing of a tagged packet fails; with "
                + "the patch it is granted.",
        },
        new()
        {
            Number = 5,
            Name = "exact page tag",
            Title = "mm: only set page->pfmemalloc when ALLOC_NO_WATERMARKS was used",
            Commit = "cfd19c5a",
            CommitSeen = true,
            Needs = [],
            Rule = "A page is tagged only if the pass that granted it ignored the watermarks. Before, each page of the slow path was "
                + "tagged whose request was entitled to ignore them.",
            Without = "Between the low and the min mark, pages that anybody could have had are tagged. Packets are dropped and slab "
                + "requests refused although memory is there.",
            Prediction = "Tagged pages while free pages exceed min: none with the patch, some without; more packets of others dropped.",
        },
        new()
        {
            Number = 6,
            Name = "reserve ignores policy",
            Title = "mm: ignore mempolicies when using ALLOC_NO_WATERMARK",
            Commit = "183f6371aac2",
            CommitSeen = true,
            Needs = [],
            Rule = "Who may use the reserve looks for it on all nodes, nearest first, whatever memory policy the task has.",
            Without = "A task bound to a node without pages cannot use the reserve of another node.",
            Prediction = "Nothing with one node. With two, pages of the reserve that tasks get on the node that they are not bound to: none "
                + "without the patch. As posted it kept the mask of a bind policy and changed only the order of nodes; a fix of 2018 "
                + "(reserve-nodemask, about 4.19) dropped the mask. In 3.6 only the NBD thread and softirqs use the reserve, which have "
                + "no policy; a task that sends its own pages, as on a blk-mq device, has one.",
            Setting =
            [
                "blade.nodes=2", "blade.mempolicy=bind:1", "blade.scheduler=none",
                "blade.changes=auto + blk-mq + reserve-nodemask",
            ],
        },
    ];
}
