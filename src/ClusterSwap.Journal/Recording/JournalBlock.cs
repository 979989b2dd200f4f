// A row of the journal as Akka.Persistence sees it.
using Akka.Actor;
using Akka.Serialization;

namespace ClusterSwap.Journal;

/// <summary>A sealed block: the payload of one persistent event.</summary>
/// <param name="Bytes">Head and payload, as in docs/journal-format.md.</param>
public sealed record JournalBlock(byte[] Bytes);

/// <summary>Writes blocks as they are: they carry their own version.</summary>
public sealed class BlockSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <inheritdoc/>
    public override int Identifier => JournalFormat.SerializerId;

    /// <inheritdoc/>
    public override string Manifest(object o) => JournalFormat.Manifest;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => ((JournalBlock)obj).Bytes;

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest) => manifest == JournalFormat.Manifest
        ? new JournalBlock(bytes)
        : throw new ArgumentException($"no block of a journal has the manifest {manifest}");
}
