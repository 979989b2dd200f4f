// The trace buffer of one blade: rules write records into it, whoever runs the blade takes them out at barriers.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Tracing;

/// <summary>
/// Records of selected events in the order in which they happened. It is no state: a rule never reads it, and a blade
/// without one behaves the same. Not thread-safe: a blade is run by one thread at a time, and
/// barriers are quiet.
/// </summary>
public sealed class TraceLog
{
    /// <summary>Records kept between two drains, 80 MiB of them. Later ones are counted as lost, as in ftrace.</summary>
    public const int Capacity = 1 << 20;

    private TraceRecord[] _pending = new TraceRecord[256];
    private int _count;
    private ulong _kept;
    private ulong _heard;
    private ITraceListener? _listener;

    /// <summary>Keeps nothing until <see cref="Keep"/>.</summary>
    public TraceLog()
    {
    }

    /// <summary>Keeps the events whose bits are set.</summary>
    public TraceLog(ulong selected) => _kept = selected;

    /// <summary>Virtual time now, ns; given by whoever owns the log.</summary>
    public Func<long> Now { get; set; } = static () => 0;

    /// <summary>The task that a CPU runs, −1 for none; given by whoever owns the log.</summary>
    public Func<int, int> TaskOn { get; set; } = static _ => -1;

    /// <summary>CPUs of the blade.</summary>
    public int Cpus { get; set; } = 1;

    /// <summary>CPU of the request that last wanted kswapd: waking it comes later in the same section.</summary>
    public int WakerCpu { get; set; }

    /// <summary>Flags of that request.</summary>
    public Gfp WakerGfp { get; set; }

    /// <summary>
    /// When each task's present sleep began, ns, for events that tell how long it was. A trace that begins during a sleep does not
    /// know.
    /// </summary>
    public Dictionary<int, long> SleepsSince { get; } = [];

    /// <summary>Records that found no room since the last drain.</summary>
    public long Lost { get; private set; }

    /// <summary>Records since the last drain, oldest first.</summary>
    public ReadOnlySpan<TraceRecord> Pending => _pending.AsSpan(0, _count);

    /// <summary>The event is wanted by somebody.</summary>
    public bool On(TraceEvent which) => ((_kept | _heard) >> (int)which & 1) != 0;

    /// <summary>From now on the events whose bits are set are kept for <see cref="Pending"/>.</summary>
    public void Keep(ulong selected) => _kept = selected;

    /// <summary>From now on a listener is told of these events as they happen, whatever is kept.</summary>
    public void Listen(ulong events, ITraceListener? listener)
    {
        _heard = listener is null ? 0 : events;
        _listener = listener;
    }

    /// <summary>Records an event of the task on <paramref name="cpu"/>, if it is wanted.</summary>
    public void Add(
        TraceEvent which, int cpu, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0,
        bool softirq = false)
    {
        if (!On(which))
        {
            return;
        }

        var record = new TraceRecord
        {
            TimeNs = Now(),
            Event = which,
            Softirq = softirq,
            Task = cpu < 0 ? -1 : TaskOn(cpu),
            Cpu = cpu,
            A = a,
            B = b,
            C = c,
            D = d,
            E = e,
            F = f,
        };
        if ((_heard >> (int)which & 1) != 0)
        {
            _listener!.Traced(in record);
        }

        if ((_kept >> (int)which & 1) == 0)
        {
            return;
        }

        if (_count == Capacity)
        {
            Lost++;
            return;
        }

        if (_count == _pending.Length)
        {
            Array.Resize(ref _pending, _count * 2);
        }

        _pending[_count++] = record;
    }

    /// <summary>The CPU that runs a task; 0 when none does.</summary>
    public int CpuOf(int task)
    {
        for (var cpu = 0; cpu < Cpus; cpu++)
        {
            if (TaskOn(cpu) == task)
            {
                return cpu;
            }
        }

        return 0;
    }

    /// <summary>Forgets what is pending.</summary>
    public void Drain()
    {
        _count = 0;
        Lost = 0;
    }
}

/// <summary>Wants to know of trace events as they happen.</summary>
public interface ITraceListener
{
    /// <summary>An event happened. Called on the thread that runs the blade.</summary>
    void Traced(in TraceRecord record);
}
