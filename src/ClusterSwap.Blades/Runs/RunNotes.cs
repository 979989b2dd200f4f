// Remarks on verdicts that need no story.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Runs;

/// <summary>Says in a sentence what a verdict alone does not.</summary>
public static class RunNotes
{
    /// <summary>All work was done in memory.</summary>
    public const string NeverUnderPressure =
        "memory was never under pressure: no page was swapped out, so the run says nothing about swap";

    /// <summary>The time limit came first.</summary>
    public static string TimeLimit(long virtualNs) =>
        $"stopped at {HangStory.Seconds(virtualNs)} of virtual time with work left: neither done nor hanging";

    /// <summary>That the swap device was lost, and which processes with it.</summary>
    public static string Loss(BladeStates blade)
    {
        var parts = new List<string>();
        var device = blade.Device;
        if (device.Failed)
        {
            parts.Add($"the connection of the swap device was lost at {HangStory.Seconds(device.FailedNs)}: "
                + (device.WasReset ? "the server reset it" : "TCP gave up after 15 retransmissions"));
        }

        var killed = blade.Killed();
        if (killed > 0)
        {
            var first = Enumerable.Range(0, blade.Processes).Select(blade.Process)
                .Where(process => process.KilledNs >= 0).Min(process => process.KilledNs);
            parts.Add(HangStory.Text($"{killed:N0} of {HangStory.Processes(blade.Processes)} ")
                + $"{(killed == 1 ? "was" : "were")} killed (SIGBUS), the first at {HangStory.Seconds(first)}: "
                + "a page could not be read from swap");
        }

        parts.Add(HangStory.Text($"{device.Counters.ReadErrors:N0} reads and {device.Counters.WriteErrors:N0} writes failed"));
        return $"{blade.Place.Name}: {string.Join("; ", parts)}";
    }

    /// <summary>Who called the OOM killer, and what was free.</summary>
    public static string OutOfMemory(BladeStates blade)
    {
        var memory = blade.Memory;
        var zones = string.Join(", ", memory.Pages.Zones.Where(zone => zone.Present > 0).Select(
            zone => HangStory.Text($"{NameOf(memory, zone)} {zone.NrFree:N0} (min {zone.Min:N0})")));
        return $"{blade.Place.Name}: {TaskName(blade, blade.Blade.OutOfMemoryTask)} called the OOM killer at "
            + $"{HangStory.Seconds(blade.Blade.OutOfMemoryNs)}; free pages at the next barrier: {zones}; "
            + HangStory.Text($"{memory.Slots.FreeSlots:N0} of {memory.Slots.TotalSlots:N0} swap slots are free, ")
            + HangStory.Text($"{memory.Stat[VmGauge.nr_writeback]:N0} pages under writeback");
    }

    /// <summary>A zone, with its node where there are several.</summary>
    public static string NameOf(MachineMemory memory, Zone zone) =>
        memory.Pages.Nodes > 1 ? $"{zone.Name} of node {zone.Node}" : zone.Name;

    /// <summary>A task of a blade by its number.</summary>
    public static string TaskName(BladeStates blade, int task) => task switch
    {
        BladeTasks.Kswapd => blade.Memory.Pages.Nodes > 1 ? "kswapd0" : "kswapd",
        BladeTasks.NbdSender => blade.Device.Issues.Length > 0 ? "the block worker" : "the NBD sender",
        BladeTasks.NbdReceiver => "the NBD receiver",
        _ when task >= BladeTasks.FirstReader(blade.UserTasks) => "kswapd1",
        _ when task >= BladeTasks.Process(blade.Processes) =>
            $"the reader of stream {task - BladeTasks.Process(blade.Processes)}",
        _ => $"process {task - BladeTasks.FirstProcess}",
    };
}
