// What a task with pages of its own remembers between two sections.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>The innermost call of a process between two sections.</summary>
public enum ProcessPhase : byte
{
    /// <summary>In user mode, or about to fault.</summary>
    User,

    /// <summary>In the page allocator, for a page table or a new anonymous page.</summary>
    AllocPage,

    /// <summary>In swapin_readahead, which allocates.</summary>
    SwapIn,

    /// <summary>Submitting reads while the block is incomplete, before it reclaims.</summary>
    SubmitEarly,

    /// <summary>Submitting the block's reads.</summary>
    Submit,

    /// <summary>Giving its memory back.</summary>
    Exit,

    /// <summary>Gone.</summary>
    Ended,
}

/// <summary>What every task with an address space remembers.</summary>
[MemoryPackable]
public partial class FaultingState
{
    /// <summary>The task.</summary>
    public TaskState Task = new();

    /// <summary>Its innermost call.</summary>
    public ProcessPhase Phase;

    /// <summary>The page allocation under way.</summary>
    public AllocCall Alloc;

    /// <summary>The virtual page for which it is.</summary>
    public int AllocVpn;

    /// <summary>The swap-in under way.</summary>
    public SwapReadCall Read = new();

    /// <summary>The page for whose read it waited: mapped by the next touch, or −1.</summary>
    public int ReadPage = PageFrame.None;

    /// <summary>Reads being submitted.</summary>
    public BioRun Run = new();

    /// <summary>What the swap-in has to do once its early reads are submitted.</summary>
    public AllocOutcome Pending;

    /// <summary>How much of its memory it has given back.</summary>
    public int ExitOffset;

    /// <summary>When it last got on with its work, ns.</summary>
    public long LastProgressNs;

    /// <summary>When it ended, ns; −1 while it lives.</summary>
    public long EndedNs = -1;

    /// <summary>When it was killed by SIGBUS, because a page could not be read, ns; −1 if it was not.</summary>
    public long KilledNs = -1;
}

/// <summary>A task with an address space, whatever its program is.</summary>
public interface IFaultingTask
{
    /// <summary>Its state.</summary>
    FaultingState Faults { get; }
}
