// The words a scenario may use where the kernel or its hardware offers a choice.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Which memory zones a blade has.</summary>
public enum ScenarioZoneLayout
{
    /// <summary><c>flat</c>: one zone; the throttle then triggers at exactly half of the reserve.</summary>
    Flat,

    /// <summary><c>dma-dma32</c>: x86-64 with up to 4 GiB.</summary>
    DmaDma32,

    /// <summary><c>dma-dma32-normal</c>: x86-64 with more than 4 GiB.</summary>
    DmaDma32Normal,
}

/// <summary>Memory policies as a scenario spells them.</summary>
internal static class MempolicyWords
{
    /// <summary>Words.</summary>
    public static readonly string[] All = ["default", "preferred:0", "preferred:1", "bind:0", "bind:1", "interleave"];

    /// <summary>The policy of a word.</summary>
    public static Mempolicy Of(string word) => word.Split(':') switch
    {
        ["preferred", var node] => new(MempolicyMode.Preferred, (byte)(node[0] - '0')),
        ["bind", var node] => new(MempolicyMode.Bind, (byte)(node[0] - '0')),
        ["interleave"] => new(MempolicyMode.Interleave),
        _ => default,
    };
}

/// <summary>Which slab allocator the kernel is built with.</summary>
public enum ScenarioSlab
{
    /// <summary><c>slub</c>.</summary>
    Slub,

    /// <summary><c>slab</c>.</summary>
    Slab,
}

/// <summary>Where the NIC's driver puts a frame that arrives.</summary>
public enum ScenarioRxPath
{
    /// <summary><c>fragment</c>: two buffers of 1,920 bytes per page (e1000e).</summary>
    Fragment,

    /// <summary><c>paged</c>: a header skb of 896 bytes and half a page (igb).</summary>
    Paged,

    /// <summary><c>copybreak</c>: a buffer that stays in the ring, copied out at arrival (r8169).</summary>
    CopyBreak,

    /// <summary><c>per-frame</c>: no ring, a buffer for each frame as it arrives (User-Mode Linux).</summary>
    PerFrame,
}

/// <summary>The I/O scheduler of the swap device.</summary>
public enum ScenarioScheduler
{
    /// <summary><c>cfq</c>: the request queue of 3.x, whose requests the NBD thread sends.</summary>
    Cfq,

    /// <summary><c>none</c>: blk-mq; tasks send what they plugged.</summary>
    None,

    /// <summary><c>mq-deadline</c>: blk-mq; the block worker sends.</summary>
    MqDeadline,
}

/// <summary>A machine preset of CPU costs.</summary>
public enum CostPreset
{
    /// <summary><c>hw2012</c>: a Xeon-class core of 2012.</summary>
    Hw2012,

    /// <summary><c>uml</c>: User-Mode Linux on one CPU, as measured.</summary>
    Uml,

    /// <summary><c>qemu-tcg</c>: an emulated x86-64, as measured.</summary>
    QemuTcg,
}

/// <summary>What the workload does to a page on each pass.</summary>
public enum AccessMode
{
    /// <summary><c>write</c>: every pass writes one word per page.</summary>
    Write,

    /// <summary><c>read</c>: each page is written once, before the passes; the passes only read.</summary>
    Read,
}
