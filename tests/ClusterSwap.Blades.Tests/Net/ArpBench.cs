// A blade with only its memory and its neighbour table, whose wire is a list of what left.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Tests.Net;

/// <summary>What has left.</summary>
[MemoryPackable]
public sealed partial class WireState
{
    /// <summary>Frames in order.</summary>
    public List<Frame> Sent = [];
}

/// <summary>Stands for everything but memory and neighbours: notes what is sent to it as to a wire.</summary>
public sealed class WireStandIn(HostContext host, int index) : HostActor<WireState>(host, index, new WireState())
{
    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        if (message is Transmit transmit)
        {
            State.Sent.Add(transmit.Frame);
        }
    }
}

/// <summary>The bench: post frames from above and from the wire, run, look.</summary>
internal sealed class ArpBench : IDisposable
{
    private const int Server = 7;
    private const int FreePages = 4_000;

    // Above nothing but the reserve's own floor: GFP_ATOMIC gets no page.
    private const int PressurePages = 20;

    private const int ArpActor = BladeActors.FirstProcess;

    private readonly Simulation _simulation;

    public ArpBench(PatchSet patches)
    {
        var spec = ReceiveBench.SpecOf(patches, FreePages);
        var builder = new SimulationBuilder(1, BladeMessages.Registry());
        var host = builder.AddHost("blade");
        host.AddActor("blade", (h, i) => new Blade(h, i, spec, new int[1], [CpuModel.NiceZeroWeight]));
        for (var i = 1; i < ArpActor; i++)
        {
            host.AddActor($"wire-{i}", (h, index) => new WireStandIn(h, index));
        }

        var arp = new ArpSpec([Server], BladeActors.Uplink, BladeActors.NbdDevice, BladeActors.Blade, patches, CostNs: 0);
        host.AddActor("arp", (h, i) => new Arp(h, i, arp));
        host.Post(0, BladeActors.Blade, new MemallocSocketRaised());
        host.Post(0, ArpActor, new StartTask());
        _simulation = builder.Build();
    }

    public ArpState Arp => _simulation.Actor<Arp>(0, ArpActor).Inspect;

    public ArpEntry Entry => Arp.Entries[0];

    public int Sent(FrameProtocol protocol) =>
        _simulation.Actor<WireStandIn>(0, BladeActors.Uplink).Inspect.Sent.Count(frame => frame.Protocol == protocol);

    public ArpBench Output(long atNs, int bytes = 0)
    {
        var segment = new TcpSegment { Length = bytes, Segments = 1 };
        _simulation.Post(
            0, atNs, ArpActor, new Transmit(new Frame { Destination = Server, Segment = segment }, SkBuff.None, hasSkb: false));
        return this;
    }

    public ArpBench Reply(long atNs)
    {
        _simulation.Post(0, atNs, ArpActor, ArpFrame(Frame.ArpReply));
        return this;
    }

    /// <summary>Others take all memory that may be had, and of the reserve what they may.</summary>
    public ArpBench TakeMemory()
    {
        var pages = _simulation.Actor<Blade>(0, BladeActors.Blade).Inspect.Memory.Pages;
        while (pages.FreePages > PressurePages)
        {
            var call = AllocCall.For(PageOwner.Kernel, Gfp.Atomic | Gfp.MemAlloc, TaskFlags.None, AllocContext.Task, cpu: 0);
            Assert.Equal(AllocOutcome.Granted, pages.Continue(ref call));
        }

        return this;
    }

    /// <summary>A question of the server in a buffer that the ring had, tagged or not.</summary>
    public ArpBench Question(long atNs, bool tagged)
    {
        var memory = _simulation.Actor<Blade>(0, BladeActors.Blade).Inspect.Memory;
        memory.Skbs.RaiseMemallocKey();
        Assert.Equal(AllocOutcome.Granted, memory.Skbs.AllocRxHeader(0, out var skb));
        skb.PfMemAlloc = tagged;
        _simulation.Post(0, atNs, ArpActor, new SegmentsArrived(ArpFrame(Frame.ArpRequest), [skb], 1));
        return this;
    }

    public ArpBench RunTo(long ns)
    {
        _simulation.Run(new RunOptions { UntilNs = ns, InvariantInterval = 1 });
        return this;
    }

    public void Dispose() => _simulation.Dispose();

    private static Frame ArpFrame(long operation) => new()
    {
        Source = Server,
        Protocol = FrameProtocol.Arp,
        Segment = new TcpSegment { Seq = operation, Segments = 1 },
    };
}
