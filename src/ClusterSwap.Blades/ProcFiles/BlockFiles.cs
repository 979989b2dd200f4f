// /proc/diskstats, /sys/block/nbd0/stat and /proc/stat.
using System.Text;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>The files of the block device: 11 figures of it, 17 in 6.1.</summary>
public static class BlockFiles
{
    /// <summary>Name of the device.</summary>
    public const string Device = "nbd0";

    /// <summary>Its major number.</summary>
    public const int Major = 43;

    private const long NsPerMs = 1_000_000;

    /// <summary>/sys/block/nbd0/stat (<c>part_stat_show</c>).</summary>
    public static string Stat(ProcMoment moment, ProcForm form)
    {
        var text = new StringBuilder();
        foreach (var value in Values(moment, form))
        {
            text.Append(text.Length == 0 ? "" : " ").Append(FormattableString.Invariant($"{value,8}"));
        }

        return text.Append('\n').ToString();
    }

    /// <summary>/proc/diskstats (<c>diskstats_show</c>).</summary>
    public static string DiskStats(ProcMoment moment, ProcForm form)
    {
        var text = new StringBuilder();
        text.Line($"{Major,4} {0,7} {Device} {string.Join(' ', Values(moment, form))}");
        return text.ToString();
    }

    /// <summary>
    /// Reads, read merges, sectors read, ms of reads; the same of writes; in flight, ms with something in flight, ms ×
    /// requests in flight; in 6.1 also four of discards and two of flushes, all 0.
    /// </summary>
    public static IReadOnlyList<long> Values(ProcMoment moment, ProcForm form)
    {
        var disk = moment.Device.Queue.Disk;
        List<long> values = [];
        for (var write = 0; write < 2; write++)
        {
            values.AddRange([disk.Ios[write], disk.Merges[write], disk.Sectors[write], disk.TicksNs[write] / NsPerMs]);
        }

        values.AddRange([
            disk.InFlight[0] + disk.InFlight[1], disk.IoTicksAt(moment.TimeNs) / NsPerMs,
            disk.TimeInQueueAt(moment.TimeNs) / NsPerMs]);
        if (form == ProcForm.Linux61)
        {
            values.AddRange([0, 0, 0, 0, 0, 0]);
        }

        return values;
    }
}

/// <summary>/proc/stat: the times of the CPUs in hundredths of a second (USER_HZ).</summary>
public static class CpuStatFile
{
    private const long NsPerTick = 10_000_000;

    /// <summary>The file. Idle time is never told apart from iowait; interrupt time counts as softirq.</summary>
    public static string Write(ProcMoment moment)
    {
        var text = new StringBuilder();
        var cpus = moment.Memory.Pages.Cpus;
        var sum = new long[4];
        var lines = new StringBuilder();
        for (var cpu = 0; cpu < cpus; cpu++)
        {
            var times = moment.Cpus.TimesOf(cpu, moment.TimeNs);
            long[] ticks =
            [
                times.UserNs / NsPerTick, times.SystemNs / NsPerTick, times.IdleNs / NsPerTick,
                times.InterruptNs / NsPerTick,
            ];
            for (var i = 0; i < sum.Length; i++)
            {
                sum[i] += ticks[i];
            }

            lines.Line($"cpu{cpu} {ticks[0]} 0 {ticks[1]} {ticks[2]} 0 0 {ticks[3]} 0 0 0");
        }

        text.Line($"cpu  {sum[0]} 0 {sum[1]} {sum[2]} 0 0 {sum[3]} 0 0 0");
        text.Append(lines);
        text.Line($"intr 0");
        text.Line($"ctxt 0");
        text.Line($"btime 0");
        text.Line($"processes {moment.Place.Spec.UserTasks}");
        text.Line($"procs_running {Running(moment)}");
        text.Line($"procs_blocked {moment.BlockedProcesses}");
        text.Line($"softirq 0 0 0 0 0 0 0 0 0 0 0");
        return text.ToString();
    }

    private static int Running(ProcMoment moment)
    {
        var running = 0;
        for (var task = 0; task < BladeTasks.Process(moment.Place.Spec.UserTasks); task++)
        {
            running += moment.Cpus.StateOf(task) == CpuTaskState.Asleep ? 0 : 1;
        }

        return running;
    }
}
