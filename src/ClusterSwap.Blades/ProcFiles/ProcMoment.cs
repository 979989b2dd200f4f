// What the files of one blade are made from: its states at rest at one virtual moment.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>Pages of a zone by what they are, counted page by page.</summary>
public struct ZonePages
{
    /// <summary>Anonymous pages that a process maps.</summary>
    public long MappedAnon;

    /// <summary>Page cache, without the swap cache.</summary>
    public long File;

    /// <summary>Pages in the swap cache.</summary>
    public long SwapCache;

    /// <summary>Pages under writeback.</summary>
    public long Writeback;

    /// <summary>Pages of slab caches, but for the next.</summary>
    public long Slab;

    /// <summary>Pages of slab caches whose pages count as reclaimable.</summary>
    public long ReclaimableSlab;

    /// <summary>Page tables.</summary>
    public long PageTables;

    /// <summary>Pages that the kernel took at boot and never gives back.</summary>
    public long Kernel;
}

/// <summary>
/// A blade at a barrier. Looking changes nothing. The page frames are walked once, when this is made; everything else
/// is what the model keeps.
/// </summary>
public sealed class ProcMoment
{
    /// <summary>The blade that <paramref name="states"/> show, at <paramref name="timeNs"/>.</summary>
    public ProcMoment(Simulation simulation, BladeStates states, long timeNs)
    {
        var place = states.Place;
        TimeNs = timeNs;
        Place = place;
        Memory = states.Memory;
        Cpus = states.Blade.Cpus;
        Device = states.Device;
        Softirq = states.Softirq;
        Uplink = simulation.Actor<Uplink>(place.Host, BladeActors.Uplink).Inspect;
        Sockets = place.Group.Background.Bystanders == 0
            ? null
            : simulation.Actor<Bystander>(place.Host, BladeActors.Bystanders(place.Spec.UserTasks)).Inspect;
        Streams = new StreamTotals([.. Enumerable.Range(0, states.Streams).Select(states.Reader)]);
        Zones = CountPages(Memory.Pages);
        BlockedProcesses = CountBlocked(states);
    }

    /// <summary>Virtual time since boot, ns.</summary>
    public long TimeNs { get; }

    /// <summary>Which blade.</summary>
    public BladePlace Place { get; }

    /// <summary>Its memory.</summary>
    public MachineMemory Memory { get; }

    /// <summary>Its CPUs.</summary>
    public CpuModel Cpus { get; }

    /// <summary>Its NBD device.</summary>
    public NbdDeviceState Device { get; }

    /// <summary>Receive side of its NIC.</summary>
    public SoftirqState Softirq { get; }

    /// <summary>Transmit side of its NIC.</summary>
    public UplinkState Uplink { get; }

    /// <summary>Its ordinary TCP sockets.</summary>
    public StreamTotals Streams { get; }

    /// <summary>Its ordinary UDP sockets; null when it has none.</summary>
    public BystanderState? Sockets { get; }

    /// <summary>By zone: its pages.</summary>
    public ZonePages[] Zones { get; }

    /// <summary>Processes in the middle of their work that sleep: they do so for memory and for I/O only.</summary>
    public int BlockedProcesses { get; }

    /// <summary>Pages that the page allocator ever had to give: present, less what booting took.</summary>
    public long ManagedPages(int zone) => Memory.Pages.Zones[zone].Present - Zones[zone].Kernel;

    // Only the head page of a slab says which cache it belongs to.
    private static void CountSlab(ref ZonePages count, int cache, int pages)
    {
        if (SlabCaches.IsReclaimable(cache))
        {
            count.ReclaimableSlab += pages;
        }
        else
        {
            count.Slab += pages;
        }
    }

    private static int CountBlocked(BladeStates states)
    {
        var blocked = 0;
        for (var process = 0; process < states.Processes; process++)
        {
            var asleep = states.Blade.Cpus.StateOf(BladeTasks.Process(process)) == CpuTaskState.Asleep;
            var state = states.Process(process);
            blocked += asleep && state.EndedNs < 0 && state.Workload!.Touched > 0 ? 1 : 0;
        }

        return blocked;
    }

    private static ZonePages[] CountPages(PageAllocator pages)
    {
        var counts = new ZonePages[pages.Zones.Length];
        foreach (var zone in pages.Zones)
        {
            ref var count = ref counts[zone.Index];
            foreach (ref readonly var frame in pages.Frames.AsSpan(zone.StartPfn, zone.EndPfn - zone.StartPfn))
            {
                count.MappedAnon += frame.Owner == PageOwner.Anon && frame.Mapping != PageFrame.None ? 1 : 0;
                count.File += frame.Owner == PageOwner.File ? 1 : 0;
                count.SwapCache += frame.Has(PageFlags.SwapCache) ? 1 : 0;
                count.Writeback += frame.Has(PageFlags.Writeback) ? 1 : 0;
                count.PageTables += frame.Owner == PageOwner.PageTable ? 1 : 0;
                count.Kernel += frame.Owner == PageOwner.Kernel ? 1 : 0;
                if (frame.Owner == PageOwner.Slab && frame.Mapping >= 0)
                {
                    CountSlab(ref count, frame.Mapping, 1 << frame.Order);
                }
            }
        }

        return counts;
    }
}
