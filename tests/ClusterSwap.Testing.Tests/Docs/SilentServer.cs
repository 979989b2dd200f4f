// A blade whose server says nothing: docs/property-tests.md shows this very code.
using Akka.TestKit;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Testing;
using Xunit;
using Xunit.Abstractions;

namespace SilentServer;

public sealed class SilentServerTests(ITestOutputHelper output) : BladeTestKit(output)
{
    [Fact]
    public void What_the_server_does_not_acknowledge_is_sent_again_after_a_second()
    {
        Use(Deployments.Any(never: ~Feature.None).Draw(1));
        TestProbe server = CreateTestProbe();
        StandInForServer(server);

        RunUntil(() => server.HasMessages);
        Frame first = server.ExpectMsg<Frame>();
        long sentNs = ArrivedNs(server);
        RunTo(sentNs + 1_100 * VirtualTime.Ms);

        FindMsg<Frame>(server, frame => frame.Segment.Seq == first.Segment.Seq);
        Assert.InRange(ArrivedNs(server) - sentNs, 990 * VirtualTime.Ms, 1_010 * VirtualTime.Ms);
    }
}
