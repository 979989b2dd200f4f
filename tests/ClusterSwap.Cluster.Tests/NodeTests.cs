// A node by itself: what it refuses, and what it makes of strangers.
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Cluster;
using ClusterSwap.Clustering;
using ClusterSwap.Journal;

namespace ClusterSwap.Cluster.Tests;

public sealed class NodeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_node_refuses_what_is_not_of_its_build_or_its_time_and_names_both_sides()
    {
        using NodeHost node = NodeHost.Start(Options());
        OpenEpoch open = Open(node, epoch: 3);
        EpochRefused other = Ask<EpochRefused>(node, open with { Build = "another", Program = "9.9" });
        Assert.Contains(node.Facts.Build, other.Reason);
        Assert.Contains("version 9.9 (another)", other.Reason);
        Assert.Equal(new EpochOpened("run", 3, 0), Ask<EpochOpened>(node, open));
        Assert.Equal(new EpochOpened("run", 3, 0), Ask<EpochOpened>(node, open));
        Assert.Contains("has seen epoch 3", Ask<EpochRefused>(node, Open(node, epoch: 2)).Reason);
        Assert.Contains("seed 8", Ask<EpochRefused>(node, open with { Seed = 8 }).Reason);
        string second = Ask<EpochRefused>(node, open with { RunId = "second" }).Reason;
        Assert.Contains("works on run run", second);
        Assert.Contains("not on run second", second);

        // An epoch that is over is not begun again.
        Tell(node, new CloseEpoch("run", 3));
        Assert.Contains("stale", Ask<EpochRefused>(node, open).Reason);
        Assert.Equal(new EpochOpened("run", 4, 0), Ask<EpochOpened>(node, Open(node, epoch: 4)));

        // Nor does a node of another build join.
        var refused = Assert.Throws<ClusterRunException>(() => SeedProbe.Find(
            node.System, [node.Address], node.Facts with { Build = "another", Program = "9.9" }, Programs.Patience, isNeeded: true));
        Assert.Contains(node.Facts.Build, refused.Message);
        Assert.Contains("9.9 (another)", refused.Message);
    }

    [Fact]
    public void The_first_of_its_own_seeds_begins_a_cluster_and_joins_it_when_it_comes_again()
    {
        NodeHostOptions first = Options() with { Port = FreePort(), OthersPatience = TimeSpan.FromMilliseconds(1) };
        NodeHostOptions second = Options() with { Port = FreePort() };
        string[] seeds = [$"127.0.0.1:{first.Port}", $"127.0.0.1:{second.Port}"];
        NodeHost began = NodeHost.Start(first with { SeedNodes = seeds });
        using NodeHost other = NodeHost.Start(second with { SeedNodes = seeds, JoinPatience = Programs.Patience });
        began.Leave();
        using NodeHost again = NodeHost.Start(
            first with { SeedNodes = seeds, OthersPatience = Programs.Patience, JoinPatience = Programs.Patience });
        Programs.Until(
            () => Akka.Cluster.Cluster.Get(other.System).State.Members.Count(member => member.Status == MemberStatus.Up) == 2,
            "both are members of one cluster");
    }

    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    public void An_address_that_others_reach_needs_certificates(string bind)
    {
        var refused = Assert.Throws<ClusterRunException>(() => NodeHost.Start(Options() with { Bind = bind }));
        Assert.Contains("--tls-cert", refused.Message);
    }

    [Fact]
    public void A_port_that_is_taken_is_named()
    {
        var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        var refused = Assert.Throws<ClusterRunException>(() => NodeHost.Start(Options() with { Port = port }));
        Assert.Contains($"port {port} of 127.0.0.1 is taken", refused.Message);
        taken.Stop();
    }

    [Fact]
    public void Nodes_of_one_authority_join_and_one_of_another_does_not()
    {
        ClusterTls ours = Certificates("ours");
        using NodeHost first = NodeHost.Start(Options() with { Tls = ours });
        string seed = first.Address[(first.Address.IndexOf('@') + 1)..];
        using (NodeHost second = NodeHost.Start(Options() with { Tls = ours, SeedNodes = [seed] }))
        {
            Assert.StartsWith("akka.ssl.tcp://", second.Address);
        }

        var refused = Assert.Throws<ClusterRunException>(() => NodeHost.Start(Options() with
        {
            Tls = Certificates("theirs"),
            SeedNodes = [seed],
            JoinPatience = TimeSpan.FromSeconds(3),
        }));
        Assert.Contains("certificates of the same authority", refused.Message);
    }

    [Fact]
    public void A_certificate_of_another_authority_is_refused_at_the_start()
    {
        Certificates("ours");
        Certificates("theirs");
        string At(string name) => Path.Combine(_folder, name);
        var refused = Assert.Throws<ClusterRunException>(
            () => ClusterTls.Load(At("ours.pem"), At("ours.key"), At("theirs-ca.pem")));
        Assert.Contains("theirs-ca.pem", refused.Message);
        Assert.Contains("cannot be used", Assert.Throws<ClusterRunException>(
            () => ClusterTls.Load(At("ours.pem"), At("nothing.key"), At("ours-ca.pem"))).Message);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static NodeHostOptions Options() => new() { Program = "1.0" };

    private static OpenEpoch Open(NodeHost node, int epoch) => new()
    {
        RunId = "run",
        Epoch = epoch,
        Node = 0,
        Nodes = [node.Address],
        NodeOfPartition = [0],
        Coordinator = node.Address,
        Build = Verification.Build,
        Program = "1.0",
        ScenarioHash = "hash",
        Seed = 7,
    };

    private static T Ask<T>(NodeHost node, IWireMessage message)
        => node.System.ActorSelection($"/user/{NodeAgent.Name}").Ask<T>(message, Programs.Patience).Result;

    private static void Tell(NodeHost node, IWireMessage message)
        => node.System.ActorSelection($"/user/{NodeAgent.Name}").Tell(message);

    /// <summary>An authority and a certificate of it, in PEM files.</summary>
    private ClusterTls Certificates(string name)
    {
        string At(string end) => Path.Combine(_folder, name + end);
        DateTimeOffset from = DateTimeOffset.UtcNow.AddMinutes(-5);
        using ECDsa authorityKey = ECDsa.Create();
        var request = new CertificateRequest($"CN={name}-ca", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 authority = request.CreateSelfSigned(from, from.AddDays(1));
        using ECDsa key = ECDsa.Create();
        using X509Certificate2 certificate = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256)
            .Create(authority, from, from.AddDays(1), [1]);
        File.WriteAllText(At("-ca.pem"), authority.ExportCertificatePem());
        File.WriteAllText(At(".pem"), certificate.ExportCertificatePem());
        File.WriteAllText(At(".key"), key.ExportPkcs8PrivateKeyPem());
        return ClusterTls.Load(At(".pem"), At(".key"), At("-ca.pem"));
    }
}
