// Why a blade hangs, read off the states of its actors.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Exploration.Properties;

/// <summary>Classes of hangs, by what would have to happen first for the blade to go on.</summary>
public enum HangCause
{
    /// <summary>It does not hang.</summary>
    None,

    /// <summary>
    /// The NBD sender loops in the allocator while it owns tx_lock and the socket: the deadlock that patch 14 and those
    /// that it needs prevent.
    /// </summary>
    SenderLoops,

    /// <summary>
    /// Headers of received packets cannot be had: build_skb asks with plain GFP_ATOMIC, which stops at 3/8 of min,
    /// while
    /// their data may come from the reserve; and patch 1 keeps free headers in slabs of the reserve from it. A gap of
    /// 3.6
    /// (docs/studies/processes.md).
    /// </summary>
    HeadersRefused,

    /// <summary>
    /// No page is free for anybody: those who may use the reserve have used it up. 3.6 bounds ordinary reclaimers (patch
    /// 15), not what the swap socket, the ring and packets in flight take.
    /// </summary>
    ReserveUsedUp,

    /// <summary>Nothing is received: refills or copies fail for want of pages that they may have.</summary>
    RingEmpty,

    /// <summary>Blade or server does not know the other's address, and asking for it fails.</summary>
    Neighbour,

    /// <summary>The sender sleeps for want of memory or of room that no ACK makes.</summary>
    SenderSleeps,

    /// <summary>Processes wait for pages, and nothing is in flight.</summary>
    NoPages,

    /// <summary>None of these.</summary>
    Other,
}

/// <summary>Classifies hangs.</summary>
public static class HangCauses
{
    /// <summary>The cause of a hang, in words.</summary>
    public static string Of(HangCause cause) => cause switch
    {
        HangCause.SenderLoops => "the NBD sender loops in the allocator with tx_lock and the socket",
        HangCause.HeadersRefused => "no header for received frames: build_skb asks with plain GFP_ATOMIC",
        HangCause.ReserveUsedUp => "the reserve is used up: no page is free for anybody",
        HangCause.RingEmpty => "nothing is received: no buffer can be had",
        HangCause.Neighbour => "the address of the server or of the blade is not known",
        HangCause.SenderSleeps => "the NBD sender sleeps, and no ACK comes",
        HangCause.NoPages => "processes wait for pages, and no I/O is in flight",
        HangCause.Other => "another cause",
        _ => "no hang",
    };

    /// <summary>Why a blade that does not move hangs.</summary>
    public static HangCause OfBlade(BladeStates blade)
    {
        var device = blade.Device;
        if (device.TxOwner >= 0 && device.SenderPhase == SenderPhase.Memory
            && device.Socket.Owner == device.TxOwner
            && device.TaskOf(device.TxOwner).Wait is WaitKind.FreePage or WaitKind.Timer)
        {
            return HangCause.SenderLoops;
        }

        if (blade.Memory.Pages.FreePages == 0 && blade.Memory.Pages.ReserveInUse > 0)
        {
            return HangCause.ReserveUsedUp;
        }

        if (NothingIsReceived(blade))
        {
            return IsHeaderGap(blade) ? HangCause.HeadersRefused : HangCause.RingEmpty;
        }

        if (!blade.AddressesAreKnown)
        {
            return HangCause.Neighbour;
        }

        if (device.TaskOf(Math.Max(device.TxOwner, 0)).Wait == WaitKind.SendSpace)
        {
            return HangCause.SenderSleeps;
        }

        return device.Queue.InFlight(write: true) + device.Queue.InFlight(write: false) == 0
            ? HangCause.NoPages
            : HangCause.Other;
    }

    // A ring without buffers, or a driver that finds no buffer for the copy of any frame.
    private static bool NothingIsReceived(BladeStates blade)
    {
        var ring = blade.Softirq.Ring;
        return ring.AllocatesPerFrame ? ring.RxDropped > 0 && IsBelowAtomicFloor(blade)
            : blade.Softirq.Available == 0 && ring.RxAllocFailed > 0;
    }

    private static bool IsBelowAtomicFloor(BladeStates blade) => blade.Memory.Pages.Zones.All(
        zone => zone.NrFree <= zone.Min - zone.Min / 2 - (zone.Min - zone.Min / 2) / 4 + zone.LowmemReserve[^1]);

    // The data of the frame may come from the reserve, its header may not.
    private static bool IsHeaderGap(BladeStates blade)
    {
        var group = blade.Place.Group;
        return group.Nic.RxPath != ScenarioRxPath.Paged && blade.Device.Socket.KeyRaised
            && !group.Rules.Has(KernelChange.RxHeadReserve)
            && GfpRules.PfMemAllocAllowed(
                Gfp.Atomic | Gfp.MemAlloc, TaskFlags.None, AllocContext.Softirq, group.Rules);
    }
}
