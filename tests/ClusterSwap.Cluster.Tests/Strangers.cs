// Who has no business here, and what they send.
using System.Net.Sockets;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using ClusterSwap.Clustering;

namespace ClusterSwap.Cluster.Tests;

/// <summary>Connects to a node and sends what no node sends.</summary>
internal static class Strangers
{
    /// <summary>Bytes that are no frames: few, many, and more than a frame may have.</summary>
    public static void SendBytes(NodeHost node)
    {
        byte[] garbage = new byte[200_000];
        new Random(1).NextBytes(garbage);
        foreach (int length in new[] { 1, 5_000, garbage.Length })
        {
            using var stranger = new TcpClient("127.0.0.1", Address.Parse(node.Address).Port!.Value);
            try
            {
                NetworkStream stream = stranger.GetStream();
                stream.Write(garbage, 0, length);
                stranger.Client.Shutdown(SocketShutdown.Send);
                stream.CopyTo(Stream.Null);
            }
            catch (IOException)
            {
                // It was thrown out before it had said everything.
            }
        }
    }

    /// <summary>
    /// Frames of Akka's own that hold an object of a type of the stranger's choice as JSON, a manifest that nobody knows under
    /// our serializer's number, and bytes that do not belong to their manifest, to a node's agent and to the post office of
    /// an epoch. Comes back when the node has read them.
    /// </summary>
    public static void SendMessages(NodeHost node, string runId, int epoch)
    {
        string name = typeof(ForgingSerializer).AssemblyQualifiedName!;
        using ActorSystem system = ActorSystem.Create(NodeHostOptions.SystemName, ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = OFF
              stdout-loglevel = OFF
              actor {
                provider = remote
                serializers.forged = "{{name}}"
                serialization-bindings { "{{typeof(Forged).AssemblyQualifiedName}}" = forged }
                serialization-identifiers { "{{name}}" = 7306 }
              }
              remote.dot-netty.tcp { hostname = 127.0.0.1, port = 0 }
            }
            """));
        foreach (string place in new[] { NodeAgent.Name, EpochPost.NameOf(runId, epoch, 0) })
        {
            ActorSelection target = system.ActorSelection($"{node.Address}/user/{place}");
            target.Tell(new Uri("http://example.org/"));
            target.Tell(new Forged("evil"));
            target.Tell(new Forged("piece"));
        }

        // What one peer sends arrives in order: the answer to this comes after all of it was looked at.
        ActorIdentity seen = system.ActorSelection($"{node.Address}/user/{NodeAgent.Name}")
            .Ask<ActorIdentity>(new Identify(1), Programs.Patience).Result;
        Assert.NotNull(seen.Subject);
    }

    private sealed record Forged(string Manifest);

    private sealed class ForgingSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
    {
        public override int Identifier => 7306;

        public override string Manifest(object o) => ((Forged)o).Manifest;

        public override byte[] ToBinary(object obj) => [1, 2, 3];

        public override object FromBinary(byte[] bytes, string manifest) => new Forged(manifest);
    }
}
