// Memory policies of tasks: from which nodes a task's pages shall come.
using MemoryPack;

namespace ClusterSwap.Kernel.Memory;

/// <summary>Kinds of policy (<c>include/linux/mempolicy.h</c>, 3.6).</summary>
public enum MempolicyMode : byte
{
    /// <summary>MPOL_DEFAULT: the node of the CPU first, then the other.</summary>
    Default,

    /// <summary>MPOL_PREFERRED: a named node first, then the other.</summary>
    Preferred,

    /// <summary>MPOL_BIND: a named node and no other.</summary>
    Bind,

    /// <summary>MPOL_INTERLEAVE: the nodes in turn; when the node whose turn it is has no page, the other.</summary>
    Interleave,
}

/// <summary>A policy.</summary>
/// <param name="Mode">Its kind.</param>
/// <param name="Node">The node that it names; nothing for default and interleave.</param>
[MemoryPackable]
public readonly partial record struct Mempolicy(MempolicyMode Mode, byte Node = 0)
{
    /// <inheritdoc/>
    public override string ToString() => Mode switch
    {
        MempolicyMode.Preferred => $"preferred:{Node}",
        MempolicyMode.Bind => $"bind:{Node}",
        MempolicyMode.Interleave => "interleave",
        _ => "default",
    };
}

/// <summary>Who is not held to a policy.</summary>
public static class MempolicyRules
{
    /// <summary>
    /// Patch 6, and this is its only place: a request that is granted the reserve leaves the task's policy and goes
    /// through the zonelist of the node that it runs on, now and for the rest of the request
    /// (<c>__alloc_pages_slowpath</c>, 3.6). The mask of a bind policy stays, so a bound task does not get far; since
    /// 4.19 the mask is dropped instead, and the zonelist stays.
    /// </summary>
    public static void IgnoreForReserve(ref AllocCall call, int localNode, KernelRules rules)
    {
        if (!rules.Has(6))
        {
            return;
        }

        if (rules.Has(KernelChange.ReserveNodemask))
        {
            call.Nodes = 0;
        }
        else
        {
            call.ListNode = (byte)localNode;
        }
    }
}
