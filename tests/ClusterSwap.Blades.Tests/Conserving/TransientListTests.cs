// What an actor keeps beside its state is lost by a checkpoint: at barriers nothing may be there.
using System.Collections;
using System.Reflection;
using ClusterSwap.Blades.Tests.Net;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Tests.Conserving;

public sealed class TransientListTests
{
    private static readonly string[] Everything =
    [
        "blade.background.bystanders=4", "blade.background.stalled_readers=2", "blade.background.packets_per_second=1000",
        "blade.background.tap=true", "blade.nic.arp=true", "blade.background.tcp_streams=4",
        "blade.background.tcp_stalled_readers=1", "blade.background.tcp_messages_per_second=400",
        "barrier_interval=10 ms", "blade.passes=1",
    ];

    [Theory]
    [InlineData("swapnbd", "3.6")]
    [InlineData("vanilla", "3.6")]
    [InlineData("swapnbd", "6.1")]
    public void Lists_of_actors_that_are_no_part_of_their_state_are_empty_at_barriers(string variant, string era)
    {
        using var run = new Streams(Streams.Quick(variant, [.. Everything, $"blade.era={era}"]));
        var looked = new HashSet<string>();
        run.RunTo(Trial.Second / 2, () => CheckAll(run.Cluster, looked));
        Assert.Contains("NbdDevice._freeSkbs", looked);
        Assert.Contains("Bystander._free", looked);
        Assert.Contains("Tap._free", looked);
        Assert.Contains("TcpReader._free", looked);
        Assert.Contains("Arp._toBuild", looked);
    }

    private static void CheckAll(Cluster cluster, HashSet<string> looked)
    {
        for (var host = 0; host < cluster.Simulation.HostCount; host++)
        {
            for (var index = 0; index < cluster.Simulation.Host(host).ActorCount; index++)
            {
                Check(cluster.Simulation.Actor<HostActor>(host, index), looked);
            }
        }
    }

    // Arrays are of fixed length and are filled anew before they are read; a stack of messages holds spare ones;
    // records of a frame are gathered from the first one on.
    private static void Check(HostActor actor, HashSet<string> looked)
    {
        for (var type = actor.GetType(); type != typeof(HostActor); type = type.BaseType!)
        {
            foreach (var field in type.GetFields(
                BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
            {
                if (IsList(field.FieldType) && field.Name != "_records")
                {
                    var name = $"{type.Name}.{field.Name}";
                    looked.Add(name);
                    Assert.True(((ICollection)field.GetValue(actor)!).Count == 0, $"{name} of host {actor} is not empty");
                }
            }
        }
    }

    private static bool IsList(Type type) => type.IsAssignableTo(typeof(ICollection)) && !type.IsArray
        && !type.IsAssignableTo(typeof(IDictionary))
        && !(type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Stack<>));
}
