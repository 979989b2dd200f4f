// Messages between processes: all of them come back as they were, and nothing else is read.
using Akka.Actor;
using Akka.Configuration;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Clustering;
using ClusterSwap.Journal;

namespace ClusterSwap.Cluster.Tests;

public sealed class WireTests
{
    private static readonly HostTotals s_totals =
        new() { Hosts = [3, 5], Low = [1, 2], High = [3, 4], Messages = 5, Events = 6, TimeNs = 7 };

    private static readonly object[] s_samples =
    [
        new AskNode(),
        new NodeFacts { Address = "a", Program = "p", Build = "b", Cores = 2, RunId = "r", Partitions = 3 },
        new OpenEpoch
        {
            RunId = "r", Epoch = 2, Node = 1, Nodes = ["a", "b"], NodeOfPartition = [0, 1, 1], Coordinator = "c", Build = "b",
            Program = "p", ScenarioHash = "h", Seed = ulong.MaxValue,
        },
        new EpochOpened("r", 2, 1),
        new EpochRefused("r", 2, 1, "because"),
        new CloseEpoch("r", 2),
        new OwnPartition("r", 2, 7),
        new PartitionOwned("r", 2, 7, "a"),
        new NodeLeaving("a"),
        new AskStatus(),
        new RunStatus
        {
            RunId = "r", Epoch = 2, Phase = "runs", VirtualNs = 5, DonePerMille = 500, Messages = 9, LookaheadNs = 3,
            CheckpointNs = 4, Nodes = [new NodeStatus("a", 1, 2, 3, 4, 5, true)],
        },
        new Piece { RunId = "r", Epoch = 2, From = 1, Number = 5, Ends = true, Bytes = [1, 2, 3] },
        new PiecesGot("r", 2, 1, 6),
        new PiecesMissing("r", 2, 1, 6),
        new EpochPlan
        {
            ScenarioToml = "t", Variant = "v", Seed = 1, UntilNs = 2, Partitions = [[0, 1], [2]], Threads = 2,
            Journal = JournalLevel.All, Restores = true,
        },
        new RestorePart([1]),
        new NodeReady(4),
        new StartEpoch(),
        new NodeNote(1, 2, [3]),
        new BarrierReport
        {
            TimeNs = 1,
            Sighting = new Sighting
            {
                Progress = new RunProgress(1, 2, 3, 4, 5), Working = 6, Swapped = true, Blade = 7,
                BladeVerdict = Verdict.Deadlock, BladeNote = "n",
                Hang = new HangReport("b", ["c"]) { Blade = "x", SinceNs = 8, Events = ["e"] },
            },
            NextNs = 2, Windows = 3, WallUs = 4, AwayUs = 5, SentBytes = 6,
        },
        new BarrierAnswer(1, true, AfterBarrier.EndEpoch),
        new NodeCheckpoint(1, true, [2]),
        new NodeBlock(1, new RecordedBlock
        {
            FirstNs = 1, LastNs = 2, Messages = 3, Decisions = 4, Barriers = 5, TailBytes = 1, Payload = [9],
        }),
        new EpochBroken("because"),
        new NodeFault { TimeNs = 1, HostId = 2, IsSafety = true, Text = "t", Totals = s_totals },
        new FinalReport
        {
            Totals = s_totals, Places = [1], SentPlaces = [2], SentCounters = [[new("s", 3)]], LookaheadNs = 2, LookaheadLink = "l",
            Blades =
            [
                new BladeReport
                {
                    Name = "b", UserNs = 1, SystemNs = 2, ElapsedNs = 3, MinFreePages = 4, LastProgressNs = 5,
                    FreePages = [new(1, 2, 3)], WatermarkMin = 6, WatermarkLow = 7, WatermarkHigh = 8,
                    VmStat = [new("a", 1)], NetStat = [new("b", 2)],
                },
            ],
        },
    ];

    public static TheoryData<string> Manifests() => [.. WireSerializer.Types.Select(type => type.Name)];

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Every_message_comes_back_as_it_was(string type)
    {
        object sample = Assert.Single(s_samples, sample => sample.GetType().Name == type);
        byte[] bytes = WireSerializer.Write(sample);
        object read = WireSerializer.Read(WireSerializer.ManifestOf(sample), bytes);
        Assert.Equivalent(sample, read, strict: true);
        Assert.Equal(bytes, WireSerializer.Write(read));
    }

    [Fact]
    public void An_unknown_manifest_is_refused()
        => Assert.Contains("\"evil\"", Assert.Throws<InvalidDataException>(() => WireSerializer.Read("evil", [1])).Message);

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Garbage_under_a_known_manifest_is_refused(string type)
    {
        object sample = Assert.Single(s_samples, sample => sample.GetType().Name == type);
        string manifest = WireSerializer.ManifestOf(sample);
        Assert.Throws<InvalidDataException>(() => WireSerializer.Read(manifest, [.. Enumerable.Repeat((byte)0xEE, 40)]));
        Assert.Throws<InvalidDataException>(() => WireSerializer.Read(manifest, []));
    }

    [Fact]
    public void Objects_neither_leave_as_json_nor_are_made_from_it()
    {
        using var system = ActorSystem.Create("wire", ConfigurationFactory.ParseString("akka.loglevel = OFF")
            .WithFallback(ConfigurationFactory.FromResource("cluster.conf", typeof(NodeHost).Assembly)));
        var serialization = system.Serialization;
        Assert.IsType<RefusingSerializer>(serialization.FindSerializerForType(typeof(Uri)));
        Assert.IsType<WireSerializer>(serialization.FindSerializerForType(typeof(Piece)));
        byte[] json = "{\"$type\":\"System.IO.FileInfo, System.Private.CoreLib\"}"u8.ToArray();
        Assert.Throws<NotSupportedException>(() => serialization.Deserialize(json, 1, typeof(FileInfo)));
    }
}
