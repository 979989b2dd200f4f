// A capture program: the tap that takes a clone of each frame, and the task that reads it, or does not.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>A packet tap.</summary>
/// <param name="RcvBuf">Its receive buffer, bytes of truesize.</param>
/// <param name="ReaderTask">The task that reads it, or −1: nobody does.</param>
public sealed record TapSpec(int RcvBuf, int ReaderTask);

/// <summary>State of a tap.</summary>
[MemoryPackable]
public sealed partial class TapState
{
    /// <summary>Its socket.</summary>
    public PacketTap Tap = null!;

    /// <summary>The task that reads it.</summary>
    public TaskState Reader = new() { Wait = WaitKind.SocketData };

    /// <summary>
    /// Frames in the socket whose memory, or part of it, came from the reserve, tagged or not. A slab's page counts for
    /// all its objects.
    /// </summary>
    public int HoldingReserve(PageFrame[] frames)
    {
        var holding = 0;
        for (var i = 0; i < Tap.Queue.Count; i++)
        {
            ref var skb = ref Tap.Queue[i];
            holding += skb.PfMemAlloc || (skb.Fragment >= 0 && frames[skb.Fragment].Has(PageFlags.PfMemAlloc)) ? 1 : 0;
        }

        return holding;
    }
}

/// <summary>
/// An AF_PACKET socket and its reader. The softirq shows it each batch before any protocol gets it; the blade makes the
/// clones, since only it gives memory.
/// </summary>
public sealed class Tap : HostActor<TapState>, IMemoryHolder
{
    // As the readers of ordinary sockets: what a reader takes before it returns to user mode, where it may be
    // preempted.
    private const int SectionFrames = 16;

    private readonly CostModel _cost;
    private readonly TaskThread? _reader;
    private readonly FramesTapped _tapped = new();
    private readonly List<SkBuff> _free = [];

    /// <summary>The tap of <paramref name="spec"/>.</summary>
    public Tap(HostContext host, int index, CostModel cost, TapSpec spec)
        : base(host, index, new TapState { Tap = new PacketTap { RcvBuf = spec.RcvBuf } })
    {
        _cost = cost;
        _reader = spec.ReaderTask < 0 ? null : new TaskThread(host, index, spec.ReaderTask, cost.WakeupNs);
        Attach();
    }

    /// <inheritdoc/>
    public override void AssertInvariants() => State.Tap.AssertInvariants();

    /// <inheritdoc/>
    public void AddTo(Holdings holdings)
    {
        for (var i = 0; i < State.Tap.Queue.Count; i++)
        {
            holdings.Add(State.Tap.Queue[i]);
        }
    }

    /// <inheritdoc/>
    protected override void Attach()
    {
        if (_reader is not null)
        {
            _reader.State = State.Reader;
        }
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case TapFrames frames:
                frames.Tap = State.Tap;
                frames.ReplyTo = Index;
                Host.Send(BladeActors.Blade, frames);
                break;
            case FramesTapped tapped:
                OnTapped(tapped);
                break;
            case RunTask run:
                OnRun(run);
                break;
            default:
                throw new InvalidOperationException($"tap does not know {message.GetType().Name}");
        }
    }

    private void OnTapped(FramesTapped tapped)
    {
        if (tapped.Taken > 0 && _reader is not null && State.Reader.Wait == WaitKind.SocketData)
        {
            _reader.Wake();
        }

        _tapped.Taken = tapped.Taken;
        _tapped.CostNs = tapped.CostNs;
        Host.Send(BladeActors.Softirq, _tapped);
    }

    /// <summary>The reader: recvfrom until nothing is left, then it sleeps for more.</summary>
    private void OnRun(RunTask run)
    {
        var reader = _reader ?? throw new InvalidOperationException("a tap that nobody reads was given a CPU");
        reader.Begin(run);
        for (var i = 0; i < SectionFrames && State.Tap.TryRead(out var skb); i++)
        {
            reader.SystemNs += _cost.SyscallNs + (long)_cost.ReceiveCopyNs * skb.Length / SkbSizes.Page;
            _free.Add(skb);
        }

        if (_free.Count > 0)
        {
            Host.Send(BladeActors.Blade, new FreeSkbs { Skbs = [.. _free], Count = _free.Count, Cpu = run.Cpu });
            _free.Clear();
        }

        if (State.Tap.Queue.Count > 0)
        {
            reader.EndSection(Index);
        }
        else
        {
            reader.SystemNs += _cost.SyscallNs;
            reader.SleepOn(WaitKind.SocketData);
        }
    }
}
