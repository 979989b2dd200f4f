// Which message type has which kind, and how it is written and read.
using System.Buffers;
using MemoryPack;

namespace ClusterSwap.Engine;

/// <summary>
/// The message types of a simulation by kind. A message is written as its MemoryPack bytes, the kind being the
/// manifest; so a kind must keep its type for as long as checkpoints and journals that name it are read.
/// </summary>
public sealed class MessageRegistry
{
    private readonly MessageCodec?[] _codecs = new MessageCodec?[ushort.MaxValue + 1];
    private readonly List<MessageCodec> _all = [];

    /// <summary>Registers a message type; a kind or a type that is registered already is an error.</summary>
    public MessageRegistry Add<T>(ushort kind)
        where T : SimMessage
    {
        if (_codecs[kind] is { } present)
        {
            throw new ArgumentException($"kind {kind} is taken by {present.Type.Name}, {typeof(T).Name} needs another");
        }

        if (_all.Find(codec => codec.Type == typeof(T)) is { } same)
        {
            throw new ArgumentException($"{typeof(T).Name} has the kind {same.Kind} already, {kind} would be a second");
        }

        var added = new MessageCodec<T>(kind);
        _codecs[kind] = added;
        _all.Add(added);
        return this;
    }

    /// <summary>Whether this very type is registered under this kind.</summary>
    public bool Knows(ushort kind, Type type) => _codecs[kind] is { } codec && codec.Type == type;

    /// <summary>The name of a kind's type, for reports; the number when it is not registered.</summary>
    public string NameOf(ushort kind) => _codecs[kind]?.Type.Name ?? $"kind {kind}";

    /// <summary>Kinds and type names of all that is registered, in order of kind.</summary>
    public IReadOnlyList<(ushort Kind, string Name)> Kinds
        => [.. _all.OrderBy(codec => codec.Kind).Select(codec => (codec.Kind, codec.Type.Name))];

    /// <summary>
    /// Writes the message without its kind; the caller keeps <see cref="SimMessage.Kind"/> as the manifest.
    /// </summary>
    public void Serialize(IBufferWriter<byte> writer, SimMessage message) => CodecFor(message).Write(writer, message);

    /// <summary>Reads a message of the kind. Throws when the kind is unknown or the bytes are not one.</summary>
    public SimMessage Deserialize(ushort kind, ReadOnlySpan<byte> bytes)
    {
        MessageCodec codec = _codecs[kind]
            ?? throw new InvalidDataException($"message kind {kind} is not registered");
        SimMessage message = codec.Read(bytes)
            ?? throw new InvalidDataException($"{bytes.Length} bytes hold no {codec.Type.Name}");
        return message.Kind == kind
            ? message
            : throw new InvalidDataException($"{codec.Type.Name} of kind {kind} says that its kind is {message.Kind}");
    }

    /// <summary>A hash of kinds and type names, by which a checkpoint knows whether it can be read.</summary>
    internal Fingerprint Digest()
    {
        var digest = default(Fingerprint);
        for (int kind = 0; kind < _codecs.Length; kind++)
        {
            if (_codecs[kind] is { } codec)
            {
                digest.Add((ulong)kind, TextDigest.Of(codec.Type.Name));
            }
        }

        return digest;
    }

    private MessageCodec CodecFor(SimMessage message)
    {
        MessageCodec codec = _codecs[message.Kind]
            ?? throw new InvalidOperationException(
                $"{message.GetType().Name} of kind {message.Kind} is not registered");
        return codec.Type == message.GetType()
            ? codec
            : throw new InvalidOperationException(
                $"kind {message.Kind} belongs to {codec.Type.Name}, but a {message.GetType().Name} carries it");
    }

    private abstract class MessageCodec(ushort kind, Type type)
    {
        public ushort Kind => kind;

        public Type Type => type;

        public abstract void Write(IBufferWriter<byte> writer, SimMessage message);

        public abstract SimMessage? Read(ReadOnlySpan<byte> bytes);
    }

    private sealed class MessageCodec<T>(ushort kind) : MessageCodec(kind, typeof(T))
        where T : SimMessage
    {
        public override void Write(IBufferWriter<byte> writer, SimMessage message)
            => MemoryPackSerializer.Serialize(writer, (T)message);

        public override SimMessage? Read(ReadOnlySpan<byte> bytes) => MemoryPackSerializer.Deserialize<T>(bytes);
    }
}
