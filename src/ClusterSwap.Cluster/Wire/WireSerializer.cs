// Bytes of messages between processes: MemoryPack under short manifests, and nothing else.
using System.Collections.Frozen;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using MemoryPack;

namespace ClusterSwap.Clustering;

/// <summary>
/// Writes and reads <see cref="IWireMessage"/>s. A manifest that is not in the table is refused, so a peer can make no
/// other type.
/// </summary>
public sealed class WireSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private static readonly (string Manifest, Type Type, Func<byte[], object?> Read)[] s_table =
    [
        Of<AskNode>("ask"), Of<NodeFacts>("facts"), Of<OpenEpoch>("open"), Of<EpochOpened>("opened"),
        Of<EpochRefused>("refused"), Of<EpochBroken>("broken"), Of<CloseEpoch>("close"), Of<OwnPartition>("own"), Of<PartitionOwned>("owned"),
        Of<NodeLeaving>("leaving"), Of<AskStatus>("ask-status"), Of<RunStatus>("status"), Of<Piece>("piece"),
        Of<PiecesGot>("got"), Of<PiecesMissing>("missing"), Of<EpochPlan>("plan"), Of<RestorePart>("restore"),
        Of<NodeReady>("ready"), Of<StartEpoch>("start"), Of<NodeNote>("note"), Of<BarrierReport>("barrier"),
        Of<BarrierAnswer>("answer"), Of<NodeCheckpoint>("checkpoint"), Of<NodeBlock>("block"), Of<NodeFault>("fault"),
        Of<FinalReport>("final"),
    ];

    private static readonly FrozenDictionary<Type, string> s_manifests =
        s_table.ToFrozenDictionary(entry => entry.Type, entry => entry.Manifest);

    private static readonly FrozenDictionary<string, Func<byte[], object?>> s_readers =
        s_table.ToFrozenDictionary(entry => entry.Manifest, entry => entry.Read);

    /// <summary>All messages that there are.</summary>
    public static IEnumerable<Type> Types => s_table.Select(entry => entry.Type);

    /// <summary>A number of our own, as Akka wants it.</summary>
    public override int Identifier => 7_306;

    /// <summary>The manifest of a message.</summary>
    public static string ManifestOf(object message) => s_manifests.TryGetValue(message.GetType(), out string? manifest)
        ? manifest
        : throw new ArgumentException($"{message.GetType().Name} is no message between processes");

    /// <summary>The bytes of a message.</summary>
    public static byte[] Write(object message) => MemoryPackSerializer.Serialize(message.GetType(), message);

    /// <summary>A message from its bytes.</summary>
    /// <exception cref="InvalidDataException">They hold no message of this manifest.</exception>
    public static object Read(string manifest, byte[] bytes)
    {
        if (!s_readers.TryGetValue(manifest, out Func<byte[], object?>? read))
        {
            throw new InvalidDataException($"no message between processes has the manifest \"{manifest}\"");
        }

        try
        {
            return read(bytes) ?? throw new InvalidDataException($"{bytes.Length} bytes hold no message \"{manifest}\"");
        }
        catch (MemoryPackSerializationException e)
        {
            throw new InvalidDataException($"{bytes.Length} bytes hold no message \"{manifest}\": {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public override string Manifest(object o) => ManifestOf(o);

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => Write(obj);

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => Read(manifest, bytes);

    private static (string Manifest, Type Type, Func<byte[], object?> Read) Of<T>(string manifest)
        where T : class, IWireMessage
        => (manifest, typeof(T), bytes => MemoryPackSerializer.Deserialize<T>(bytes));
}

/// <summary>Stands where Akka would write any object as JSON that names its type: it does neither.</summary>
public sealed class RefusingSerializer : Serializer
{
    // Akka's number for its JSON, so that what a peer sends under it comes here.
    private const int JsonIdentifier = 1;

    /// <summary>The constructor that Akka calls.</summary>
    public RefusingSerializer(ExtendedActorSystem system)
        : base(system)
    {
    }

    /// <summary>The constructor that Akka calls where its own JSON has settings.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system)
    {
    }

    /// <inheritdoc/>
    public override int Identifier => JsonIdentifier;

    /// <inheritdoc/>
    public override bool IncludeManifest => true;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
        => throw new NotSupportedException($"{obj.GetType()} does not leave this process");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type)
        => throw new NotSupportedException($"a peer sent JSON of the type {type}, which nobody here reads");
}
