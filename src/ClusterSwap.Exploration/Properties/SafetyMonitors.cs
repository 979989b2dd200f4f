// The monitors. That what is given out is what is held is checked beside them (Conservation).
using ClusterSwap.Blades;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Exploration.Properties;

/// <summary>All safety monitors.</summary>
public static class SafetyMonitors
{
    private const int Bios = 6;
    private const int Requests = 7;
    private const int RadixNodes = 8;

    /// <summary>In the order in which they are asked.</summary>
    public static IReadOnlyList<SafetyMonitor> All { get; } =
    [
        new("kernel threads are never throttled", [15], _ => true, KernelThreadsThrottled),
        new("a page of the reserve belongs to a send queue, a receive buffer or a slab", [], _ => true, StrayReserve),
        new("the reserve in use is what passes without watermarks gave and nobody freed", [], _ => true, ReserveInUse),
        new("a tagged packet never lies in an ordinary socket", [9], HasTheDrop, TaggedInOrdinarySocket),
        new("ordinary sockets hold no receive page of the reserve", [9, 10], TagsReceivePages, OrdinaryReserve),
        new("swap's own bookkeeping never comes from the reserve", [], _ => true, ReserveInMempools),
        new("with SLAB no object of a tagged slab is in the hands of callers that are never entitled", [1, 13],
            blade => blade.Place.Group.Slab == ScenarioSlab.Slab, TaggedInMempools),
    ];

    private static bool HasTheDrop(BladeStates blade) =>
        !blade.Place.Group.Rules.Has(KernelChange.NoReserveDrop);

    // The fragment path of 3.6 does not tag its packets: the known gap that 79930f5892e closed in 4.1.
    private static bool TagsReceivePages(BladeStates blade) => HasTheDrop(blade)
        && (blade.Place.Group.Nic.RxPath == ScenarioRxPath.Paged
            || blade.Place.Group.Rules.Has(KernelChange.RxFragmentTag));

    private static string? KernelThreadsThrottled(Simulation simulation, BladeStates blade)
    {
        foreach (var node in blade.Blade.Throttled)
        {
            foreach (var task in node)
            {
                if (task is BladeTasks.Kswapd or BladeTasks.NbdSender
                    || task == BladeTasks.KswapdOf(blade.Place.Group, blade.Place.Spec.Nodes - 1))
                {
                    return $"task {task} waits on pfmemalloc_wait";
                }
            }
        }

        return null;
    }

    private static string? StrayReserve(Simulation simulation, BladeStates blade)
    {
        var frames = blade.Memory.Pages.Frames;
        for (var page = 0; page < frames.Length; page++)
        {
            if (frames[page].Has(PageFlags.FromReserve)
                && frames[page].Owner is not (PageOwner.TxFragment or PageOwner.RxFragment or PageOwner.Slab))
            {
                return $"page {page} came from the reserve and belongs to {frames[page].Owner}";
            }
        }

        return null;
    }

    private static string? ReserveInUse(Simulation simulation, BladeStates blade)
    {
        long pages = 0;
        foreach (ref readonly var frame in blade.Memory.Pages.Frames.AsSpan())
        {
            pages += frame.Has(PageFlags.FromReserve) ? 1L << frame.Order : 0;
        }

        var counted = blade.Memory.Pages.ReserveInUse;
        return pages == counted ? null : $"{counted} pages are counted, {pages} bear the mark";
    }

    private static string? TaggedInOrdinarySocket(Simulation simulation, BladeStates blade)
    {
        foreach (var socket in Datagrams(simulation, blade)?.Sockets ?? [])
        {
            for (var i = 0; i < socket.Queue.Count; i++)
            {
                if (socket.Queue[i].PfMemAlloc)
                {
                    return "a UDP socket holds one";
                }
            }
        }

        for (var stream = 0; stream < blade.Streams; stream++)
        {
            var reader = blade.Reader(stream);
            for (var i = 0; i < reader.Queued; i++)
            {
                if (reader.Buffer(i).PfMemAlloc)
                {
                    return $"the socket of stream {stream} holds one";
                }
            }
        }

        return null;
    }

    private static string? OrdinaryReserve(Simulation simulation, BladeStates blade) =>
        OrdinarySockets.Of(simulation, blade.Place) is { ReservePages: > 0 } sockets
            ? $"they hold {sockets.ReservePages}"
            : null;

    // Their callers pass NOMEMALLOC: mempools force it, add_to_swap asks for it.
    private static string? ReserveInMempools(Simulation simulation, BladeStates blade) =>
        FindSlab(blade, PageFlags.FromReserve, "came from it");

    private static string? TaggedInMempools(Simulation simulation, BladeStates blade) =>
        FindSlab(blade, PageFlags.SlabPfMemAlloc, "is tagged");

    private static string? FindSlab(BladeStates blade, PageFlags flag, string what)
    {
        var frames = blade.Memory.Pages.Frames;
        for (var page = 0; page < frames.Length; page++)
        {
            if (frames[page].Owner == PageOwner.Slab && frames[page].Has(flag)
                && frames[page].Mapping is Bios or Requests or RadixNodes)
            {
                return $"page {page} of {blade.Memory.Slabs[frames[page].Mapping].Name} {what}";
            }
        }

        return null;
    }

    /// <summary>The ordinary UDP sockets of a blade; null without any.</summary>
    internal static BystanderState? Datagrams(Simulation simulation, BladeStates blade) =>
        blade.Place.Group.Background.Bystanders == 0
            ? null
            : simulation.Actor<Bystander>(blade.Place.Host, BladeActors.Bystanders(blade.Place.Spec.UserTasks)).Inspect;
}
