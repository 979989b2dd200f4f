// NUMA in the page allocator: which nodes a request goes to, and the counts of where it ended.
using MemoryPack;

namespace ClusterSwap.Kernel.Memory;

public sealed partial class PageAllocator
{
    [MemoryPackInclude]
    private int _nodes = 1;

    // il_next. The kernel keeps it for each task; here all tasks with the policy take turns together.
    [MemoryPackInclude]
    private int _interleaveNext;

    // By node: indices of the zones in the order in which they are tried.
    private int[][] _zonelists = [];
    private int _types;

    /// <inheritdoc/>
    [MemoryPackIgnore]
    public int Nodes => _nodes;

    /// <summary>The policy of tasks with PF_MEMPOLICY.</summary>
    [MemoryPackInclude]
    public Mempolicy Policy { get; private set; }

    /// <summary>Zone types of the machine: zones of each node, with and without pages.</summary>
    [MemoryPackIgnore]
    public int ZoneTypes => _types;

    /// <summary>Indices of the zones with pages, in the order in which a request for the node's zonelist tries
    /// them.</summary>
    public ReadOnlySpan<int> ZonelistOf(int node) => _zonelists[node];

    /// <inheritdoc/>
    public int NodeOfCpu(int cpu) => NodeLayout.NodeOfCpu(cpu, _cpus, _nodes);

    /// <inheritdoc/>
    public int NodeOf(int page) => _nodes == 1 ? 0 : _zones[ZoneOf(page)].Node;

    /// <summary>NR_FREE_PAGES of the zones of a node.</summary>
    public long FreeOn(int node)
    {
        var free = 0L;
        for (var i = node * ZoneTypes; i < (node + 1) * ZoneTypes; i++)
        {
            free += _zones[i].NrFree;
        }

        return free;
    }

    /// <summary>
    /// Type of the highest zone that a request may use (<c>gfp_zone</c>): the machine's highest, unless it asks for a
    /// low one.
    /// </summary>
    public int HighestType(Gfp gfp) =>
        (gfp & (Gfp.Dma | Gfp.Dma32)) == 0 ? _types - 1 : HighestType(gfp, _zones.AsSpan(0, _types));

    /// <summary>The same for the zones of a node.</summary>
    public static int HighestType(Gfp gfp, ReadOnlySpan<Zone> zones)
    {
        var type = zones.Length - 1;
        if ((gfp & (Gfp.Dma | Gfp.Dma32)) != 0)
        {
            var kind = (gfp & Gfp.Dma) != 0 ? ZoneKind.Dma : ZoneKind.Dma32;
            while (type > 0 && zones[type].Kind > kind)
            {
                type--;
            }
        }

        return type;
    }

    /// <summary>Indicates that the request may use the node.</summary>
    public static bool Allows(in AllocCall call, int node) => call.Nodes == 0 || (call.Nodes >> node & 1) != 0;

    /// <inheritdoc/>
    public int SlabNode(TaskFlags task, AllocContext context, int cpu)
    {
        var local = NodeOfCpu(cpu);
        return !HasPolicy(task, context) ? local : Policy.Mode switch
        {
            MempolicyMode.Interleave => NextInTurn(),
            MempolicyMode.Preferred or MempolicyMode.Bind => Policy.Node,
            _ => local,
        };
    }

    /// <summary>
    /// <c>policy_zonelist</c> and <c>policy_nodemask</c>, 3.6: where the request looks. A policy belongs to a task; an
    /// interrupt, or a task with bottom halves disabled, has the default one.
    /// </summary>
    private void ApplyMempolicy(ref AllocCall call)
    {
        var node = NodeOfCpu(call.Cpu);
        call.Nodes = 0;
        call.Interleaved = false;
        if (call.OnNode > 0)
        {
            node = call.OnNode - 1;
        }
        else if (HasPolicy(call.Task, call.Context) && (call.Gfp & Gfp.ThisNode) == 0)
        {
            switch (Policy.Mode)
            {
                case MempolicyMode.Preferred:
                    node = Policy.Node;
                    break;
                case MempolicyMode.Bind when HighestType(call.Gfp) == ZoneTypes - 1:
                    // Local within the mask; what asks for a low zone is not bound (apply_policy_zone).
                    call.Nodes = (byte)(1 << Policy.Node);
                    break;
                case MempolicyMode.Interleave:
                    node = call.SpreadBy > 0 ? (call.SpreadBy - 1) % _nodes : NextInTurn();
                    call.Interleaved = true;
                    break;
            }
        }

        call.ListNode = (byte)node;
        if ((call.Gfp & Gfp.ThisNode) != 0)
        {
            call.Nodes = (byte)(1 << node);
        }

        FindPreferred(ref call);
    }

    // first_zones_zonelist.
    private void FindPreferred(ref AllocCall call)
    {
        var highest = HighestType(call.Gfp);
        foreach (var i in _zonelists[call.ListNode])
        {
            if (_zones[i].Type <= highest && Allows(in call, _zones[i].Node))
            {
                call.Preferred = (byte)i;
                return;
            }
        }

        throw new InvalidOperationException($"{call.Gfp} finds no zone on nodes {call.Nodes:x} from node {call.ListNode}");
    }

    private void IgnoreMempolicy(ref AllocCall call)
    {
        var nodes = call.Nodes;
        MempolicyRules.IgnoreForReserve(ref call, NodeOfCpu(call.Cpu), _rules);
        if (call.Nodes != nodes)
        {
            FindPreferred(ref call);
        }
    }

    private bool HasPolicy(TaskFlags task, AllocContext context) =>
        (task & TaskFlags.MemPolicy) != 0 && context == AllocContext.Task && Policy.Mode != MempolicyMode.Default;

    private int NextInTurn()
    {
        var node = _interleaveNext;
        _interleaveNext = (node + 1) % _nodes;
        return node;
    }

    // zone_statistics, 3.6, once for an allocation of any order.
    private void CountNuma(in AllocCall call, int zone)
    {
        var preferred = call.Preferred;
        if (_zones[zone].Node == _zones[preferred].Node)
        {
            _vm.Count(VmCounter.numa_hit, zone, 1);
        }
        else
        {
            _vm.Count(VmCounter.numa_miss, zone, 1);
            _vm.Count(VmCounter.numa_foreign, preferred, 1);
        }

        var local = _zones[zone].Node == NodeOfCpu(call.Cpu);
        _vm.Count(local ? VmCounter.numa_local : VmCounter.numa_other, zone, 1);
        if (call.Interleaved && zone == _zonelists[call.ListNode][0])
        {
            _vm.Count(VmCounter.numa_interleave, zone, 1);
        }
    }

    private void BuildZonelists()
    {
        _types = _zones.Length / _nodes;
        _zonelists = NodeLayout.Zonelists(_zones, _nodes);
    }
}
