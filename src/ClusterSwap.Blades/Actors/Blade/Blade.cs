// The blade: its memory behind one allocator, and its CPUs.
using System.Buffers;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Actors;

/// <summary>
/// Owns physical memory and CPUs of a machine. Nobody gets a page, a slab object or a socket buffer but by a message to
/// this actor, which carries the request's flags, the task's flags and the context; the rules of
/// <c>ClusterSwap.Kernel</c> decide.
/// </summary>
public sealed partial class Blade : HostActor<BladeState>, ITaskChooser
{
    private static readonly FreePagesSeries s_noSeries = new(0);

    private TraceLog? _trace;
    private readonly MachineSpec _spec;
    private readonly CostModel _cost;
    private readonly CpuDone[] _cpuDone;
    private readonly RunTask[] _runTask;
    private readonly int[] _kswapds;
    private readonly WakeKswapd[] _wakeKswapd;
    private readonly FramesTapped _tapped = new();
    private readonly int[] _released = new int[64];

    /// <summary>
    /// A blade whose tasks are <paramref name="weights"/>.Length, each with its actor and CFS weight.
    /// <paramref name="kswapds"/> are the actors of kswapd by node; none: there is one, at its usual place.
    /// </summary>
    public Blade(HostContext host, int index, MachineSpec spec, int[] runActors, int[] weights, params int[] kswapds)
        : base(host, index, new BladeState
        {
            Memory = new MachineMemory(spec),
            Cpus = new CpuModel(spec.Cpus, CpuModelOptions.ForCpus(spec.Cpus, spec.Costs.SwitchNs)),
            RunActor = runActors,
            Throttled = [.. Enumerable.Range(0, spec.Nodes).Select(_ => new List<int>())],
        })
    {
        _kswapds = kswapds.Length > 0 ? kswapds : [BladeActors.Kswapd];
        _wakeKswapd = [.. _kswapds.Select(_ => new WakeKswapd())];
        _spec = spec;
        _cost = spec.Costs;
        foreach (var weight in weights)
        {
            State.Cpus.AddTask(weight);
        }

        _cpuDone = Enumerable.Range(0, spec.Cpus).Select(cpu => new CpuDone(cpu)).ToArray();
        State.Cpus.AskAt(this);
        _runTask = Enumerable.Range(0, weights.Length).Select(task => new RunTask { Task = task }).ToArray();
    }

    /// <summary>tcp_mem: the sockets of this blade, and they only, charge it directly.</summary>
    public TcpMemory TcpMemory => State.Memory.Tcp;

    private MachineMemory Memory => State.Memory;

    /// <summary>Where events of this blade are recorded; null = nowhere.</summary>
    public TraceLog? Trace => _trace;

    /// <summary>Records events from now on, also after a restore. Changes nothing else.</summary>
    public void StartTrace(TraceLog trace)
    {
        _trace = trace;
        trace.Now = () => Host.NowNs;
        trace.TaskOn = cpu => State.Cpus.TaskOn(cpu);
        trace.Cpus = _spec.Cpus;
        Memory.Trace = trace;
    }

    /// <inheritdoc/>
    public override void AssertInvariants() => Memory.AssertInvariants();

    /// <summary>All but what is kept for reports only.</summary>
    public override void SaveForHash(IBufferWriter<byte> writer)
    {
        var (series, least, progress) = (Memory.FreeSeries, Memory.MinFreePages, State.Progress);
        (Memory.FreeSeries, Memory.MinFreePages, State.Progress) = (s_noSeries, 0, 0);
        SaveState(writer);
        (Memory.FreeSeries, Memory.MinFreePages, State.Progress) = (series, least, progress);
    }

    /// <inheritdoc/>
    protected override void Attach()
    {
        State.Cpus.AskAt(this);
        Memory.Attach(_spec);
        Memory.Trace = _trace;
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case SectionEnd end:
                OnSectionEnd(end);
                break;
            case CpuDone done:
                OnCpuDone(done.Cpu);
                break;
            case WakeTask wake:
                WakeTask(wake.Task);
                break;
            case StealCpu steal:
                State.Cpus.Interrupt(steal.Cpu, steal.CostNs, Host.NowNs);
                break;
            case TouchRequest touch:
                OnTouch(touch);
                break;
            case PageRequest page:
                OnPageRequest(page);
                break;
            case SwapInRequest swapIn:
                OnSwapIn(swapIn);
                break;
            case ScanRequest scan:
                OnScan(scan);
                break;
            case BalanceRequest balance:
                OnBalance(balance);
                break;
            case BioRequest bios:
                OnBioRequest(bios);
                break;
            case IoCompleted completed:
                OnIoCompleted(completed);
                break;
            case RxRefill refill:
                OnRxRefill(refill);
                break;
            case RxTake take:
                OnRxTake(take);
                break;
            case FreeSkbs free:
                OnFreeSkbs(free);
                break;
            case AckRequest ack:
                OnAckRequest(ack);
                break;
            case TxMemoryRequest tx:
                OnTxMemory(tx);
                break;
            case SegmentTrain train:
                OnSegmentTrain(train);
                break;
            case TapFrames frames:
                OnTapFrames(frames);
                break;
            default:
                ReceiveRare(message);
                break;
        }
    }

    private void ReceiveRare(SimMessage message)
    {
        switch (message)
        {
            case CongestionChanged congestion:
                OnCongestion(congestion.Congested);
                break;
            case ExitRequest exit:
                OnExit(exit);
                break;
            case MemallocSocketRaised:
                Memory.Skbs.RaiseMemallocKey();
                Memory.Slabs.MemallocSocketExists = true;
                break;
            case CollapseQueue collapse:
                OnCollapseQueue(collapse);
                break;
            case OutOfMemory oom:
                OnOutOfMemory(oom.Task);
                break;
            case SlabReap reap:
                Memory.Slabs.Reap(reap.Cpu, Host.NowNs);
                Host.Schedule(Host.NowNs + KernelTimes.SlabReapNs, Index, reap);
                break;
            default:
                throw new InvalidOperationException($"blade does not know {message.GetType().Name}");
        }
    }

    private void Progressed(long pages)
    {
        State.Progress += pages;
        State.ProgressNs = Host.NowNs;
    }
}
