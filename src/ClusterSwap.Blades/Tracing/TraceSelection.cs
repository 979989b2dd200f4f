// Which events are wanted: names, groups and globs.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Tracing;

/// <summary>Reads a list of events such as <c>vmscan,block_rq_*,kmem:mm_page_alloc</c>.</summary>
public static class TraceSelection
{
    /// <summary>What is traced when nothing is said: all but page allocations, which are many.</summary>
    public const string Default = "vmscan,block,skb,nbd,fault";

    private static readonly string[] Groups = ["vmscan", "block", "skb", "kmem", "nbd", "reserve", "fault"];

    /// <summary>The group of an event, as in the events folder of tracefs.</summary>
    public static string GroupOf(TraceEvent which) => which switch
    {
        <= TraceEvent.mm_vmscan_lru_shrink_inactive => "vmscan",
        <= TraceEvent.block_rq_complete => "block",
        TraceEvent.kfree_skb => "skb",
        TraceEvent.mm_page_alloc => "kmem",
        TraceEvent.mm_vmscan_throttled => "vmscan",
        TraceEvent.ring_overrun => "reserve",
        >= TraceEvent.fault_begin => "fault",
        >= TraceEvent.nbd_send_request => "nbd",
        _ => "reserve",
    };

    /// <summary>Reads a list; <paramref name="error"/> says what no event is, and what comes near.</summary>
    public static bool TryParse(string list, out ulong selected, out string error)
    {
        selected = 0;
        error = "";
        foreach (var word in list.Split(',', StringSplitOptions.TrimEntries))
        {
            ulong found = 0;
            foreach (var which in Enum.GetValues<TraceEvent>())
            {
                var group = GroupOf(which);
                if (word == group || Matches(word, which.ToString()) || Matches(word, $"{group}:{which}"))
                {
                    found |= 1UL << (int)which;
                }
            }

            if (found == 0)
            {
                error = Explain(word);
                return false;
            }

            selected |= found;
        }

        return true;
    }

    private static string Explain(string word)
    {
        string[] names = [.. Groups, .. Enum.GetNames<TraceEvent>()];
        var nearest = Nearest.Name(word, names);
        return $"no such event. Found: \"{word}\". Allowed: {string.Join(", ", names)}, with * and ?."
            + (nearest is null ? "" : $" Did you mean {nearest}?");
    }

    private static bool Matches(ReadOnlySpan<char> glob, ReadOnlySpan<char> name) => glob.IsEmpty
        ? name.IsEmpty
        : glob[0] == '*'
            ? Matches(glob[1..], name) || (!name.IsEmpty && Matches(glob, name[1..]))
            : !name.IsEmpty && (glob[0] == '?' || glob[0] == name[0]) && Matches(glob[1..], name[1..]);
}
