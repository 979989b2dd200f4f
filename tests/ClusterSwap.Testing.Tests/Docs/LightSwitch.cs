// Actors without a blade, tested in virtual time: docs/property-tests.md shows this very code.
using Akka.TestKit;
using ClusterSwap.Engine;
using ClusterSwap.Testing;
using MemoryPack;
using Xunit;
using Xunit.Abstractions;

namespace LightSwitch;

[MemoryPackable]
public sealed partial class Press() : SimMessage(1)
{
    public override void Fold(ref Fingerprint fingerprint)
    {
    }
}

[MemoryPackable]
public sealed partial class LightOff() : SimMessage(2)
{
    public override void Fold(ref Fingerprint fingerprint)
    {
    }
}

[MemoryPackable]
public sealed partial class SwitchState
{
    public long OffAtNs { get; set; }
}

/// <summary>The light of a staircase: goes off half a minute after the last press.</summary>
public sealed class StairSwitch(HostContext host, int index, int lamp)
    : HostActor<SwitchState>(host, index, new SwitchState())
{
    public const long BurnsNs = 30 * VirtualTime.Second;

    protected override void Receive(SimMessage message)
    {
        if (message is Press)
        {
            State.OffAtNs = Host.NowNs + BurnsNs;
            Host.Schedule(State.OffAtNs, Index, new LightOff());
        }
        else if (Host.NowNs == State.OffAtNs)
        {
            Host.Send(lamp, message);
        }
    }
}

public sealed class StairSwitchTests(ITestOutputHelper output) : SimulationTestKit(output)
{
    [Fact]
    public void The_light_burns_half_a_minute_after_the_last_press()
    {
        NewSimulation(new MessageRegistry().Add<Press>(1).Add<LightOff>(2));
        HostBuilder house = AddHost("house");
        house.AddActor("switch", (host, index) => new StairSwitch(host, index, lamp: 1));
        TestProbe lamp = CreateTestProbe();
        AddProbe(house, "lamp", lamp);

        Post(0, 0, new Press());
        Post(0, 0, new Press(), atNs: 20 * VirtualTime.Second);
        RunToQuiet();

        ExpectMsgAt<LightOff>(lamp, 50 * VirtualTime.Second);
        lamp.ExpectNoMsg();
    }
}
