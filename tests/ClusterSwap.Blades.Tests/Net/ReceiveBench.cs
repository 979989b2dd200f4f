// A blade with only its memory, its receive softirq and its ordinary sockets, on which frames fall from outside.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Slab;
using MemoryPack;

namespace ClusterSwap.Blades.Tests.Net;

/// <summary>What a stand-in has got.</summary>
[MemoryPackable]
public sealed partial class StandInState
{
    /// <summary>Frames of TCP.</summary>
    public int Frames;

    /// <summary>Buffers that it keeps until told to let go.</summary>
    public List<SkBuff> Kept = [];
}

/// <summary>
/// Stands for kswapd, which never runs here, and for the NBD device: it keeps what it gets until a <see
/// cref="TxClean"/>.
/// </summary>
public sealed class StandIn(HostContext host, int index) : HostActor<StandInState>(host, index, new StandInState())
{
    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        if (message is SegmentsArrived arrived)
        {
            State.Frames += arrived.Count;
            State.Kept.AddRange(arrived.Buffers);
        }
        else if (message is TxClean)
        {
            Host.Send(BladeActors.Blade, new FreeSkbs { Skbs = [.. State.Kept], Count = State.Kept.Count });
            State.Kept.Clear();
        }
    }
}

/// <summary>The bench: build, post frames, run, look.</summary>
internal sealed class ReceiveBench : IDisposable
{
    public const int RamPages = 8_192;

    private const int Processes = 1;

    private readonly Simulation _simulation;

    public ReceiveBench(
        RxPath path, PatchSet patches, int freePages, int sockets, int stalled, bool keyUp = true, long bufferPages = 100_000,
        int ring = 256, TapSpec? tap = null)
    {
        var spec = SpecOf(patches, freePages);
        var first = BladeTasks.FirstReader(Processes);
        var bystanders = BladeActors.Bystanders(Processes);
        var actors = new int[first + sockets - stalled + (tap is { ReaderTask: >= 0 } ? 1 : 0)];
        Array.Fill(actors, bystanders, first, sockets - stalled);
        if (tap is { ReaderTask: >= 0 })
        {
            tap = tap with { ReaderTask = actors.Length - 1 };
            actors[^1] = bystanders + 1;
        }

        var weights = new int[actors.Length];
        Array.Fill(weights, CpuModel.NiceZeroWeight);
        var builder = new SimulationBuilder(1, BladeMessages.Registry());
        var host = builder.AddHost("blade");
        host.AddActor("blade", (h, i) => new Blade(h, i, spec, actors, weights));
        host.AddActor("kswapd", (h, i) => new StandIn(h, i));
        var queue = new NicQueue(path, ring, 50_000, bystanders, tap is null ? -1 : bystanders + 1);
        host.AddActor("softirq", (h, i) => new Softirq(h, i, spec.Costs, queue));
        for (var i = BladeActors.NbdDevice; i < bystanders; i++)
        {
            host.AddActor($"stand-in-{i}", (h, index) => new StandIn(h, index));
        }

        host.AddActor("bystanders", (h, i) => new Bystander(
            h, i, spec.Costs, new BystanderSpec(sockets, stalled, UdpSocket.DefaultRcvBuf, first, bufferPages)));
        if (tap is not null)
        {
            host.AddActor("tap", (h, i) => new Tap(h, i, spec.Costs, tap));
        }

        if (keyUp)
        {
            host.Post(0, BladeActors.Blade, new MemallocSocketRaised());
        }

        host.Post(0, BladeActors.Softirq, new StartTask());
        _simulation = builder.Build();
    }

    public SoftirqState Nic => _simulation.Actor<Softirq>(0, BladeActors.Softirq).Inspect;

    public BystanderState Sockets => _simulation.Actor<Bystander>(0, BladeActors.Bystanders(Processes)).Inspect;

    public TapState Tap => _simulation.Actor<Tap>(0, BladeActors.Bystanders(Processes) + 1).Inspect;

    public int TcpFrames => _simulation.Actor<StandIn>(0, BladeActors.NbdDevice).Inspect.Frames;

    public MachineMemory Memory => _simulation.Actor<Blade>(0, BladeActors.Blade).Inspect.Memory;

    public int HoldingReserve => Sockets.HoldingReserve(Memory.Pages.Frames);

    public ReceiveBench Datagrams(int count, int sockets, long fromNs = 1_000_000, long everyNs = 100_000, int bytes = 1_400)
    {
        for (var i = 0; i < count; i++)
        {
            _simulation.Post(0, fromNs + i * everyNs, BladeActors.Softirq, new Frame
            {
                Connection = i % sockets,
                Protocol = FrameProtocol.Udp,
                Segment = new TcpSegment { Seq = i, Length = bytes, Segments = 1 },
            });
        }

        return this;
    }

    public ReceiveBench Train(long atNs, int frames)
    {
        var segment = new TcpSegment { Length = frames * SkbSizes.Mss, Segments = frames };
        _simulation.Post(0, atNs, BladeActors.Softirq, new Frame { Segment = segment });
        return this;
    }

    public ReceiveBench LetGo(long atNs)
    {
        _simulation.Post(0, atNs, BladeActors.NbdDevice, new TxClean());
        return this;
    }

    /// <summary>Runs with every invariant checked at every barrier.</summary>
    public ReceiveBench RunTo(long ns)
    {
        _simulation.Run(new RunOptions { UntilNs = ns, InvariantInterval = 1 });
        return this;
    }

    /// <summary>References on receive pages by all who hold any: buffers, descriptors, the CPUs' fragment
    /// pages.</summary>
    public int ReferencesHeld()
    {
        var ring = Nic.Ring;
        var held = Memory.Skbs.FragmentPages.Count(page => page.PagePlusOne > 0);
        held += Enumerable.Range(0, ring.Filled.Count).Count(i => ring.Filled[i].Fragment >= 0);
        held += Enumerable.Range(0, ring.KeptPages.Count).Count(i => ring.KeptPages[i] >= 0);
        held += _simulation.Actor<StandIn>(0, BladeActors.NbdDevice).Inspect.Kept.Count(skb => skb.Fragment >= 0);
        foreach (var socket in Sockets.Sockets)
        {
            held += Enumerable.Range(0, socket.Queue.Count).Count(i => socket.Queue[i].Fragment >= 0);
        }

        return held;
    }

    /// <summary>References that the pages themselves count.</summary>
    public int ReferencesCounted() =>
        Memory.Pages.Frames.Where(frame => frame.Owner == PageOwner.RxFragment).Sum(frame => (int)frame.Count);

    public void Dispose() => _simulation.Dispose();

    internal static MachineSpec SpecOf(PatchSet patches, int freePages) => new()
    {
        RamPages = RamPages,
        Zones = ZoneLayout.Flat,
        MinFreeKbytes = null,
        Cpus = 2,
        Slab = SlabKind.Slub,
        Rules = patches,
        Hz = 250,
        Costs = CostModel.Hw2012,
        Processes = Processes,
        PagesPerProcess = 16,
        SwapPages = 1_024,
        SwapStart = 1,
        KernelPages = RamPages - freePages,
        PageCachePages = 0,
    };
}
