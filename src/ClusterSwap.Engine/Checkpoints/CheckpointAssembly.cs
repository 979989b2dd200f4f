// A checkpoint put together again from its own parts and those that it builds on.
using System.IO.Hashing;
using ZstdSharp;

namespace ClusterSwap.Engine;

/// <summary>
/// Takes the parts of a series in order, from a full checkpoint on, and holds the newest complete one. Pieces stay
/// compressed until a simulation takes them over, so going through a long series costs little.
/// </summary>
public sealed partial class CheckpointAssembly
{
    private readonly Dictionary<(int Host, long Place), Stored> _pieces = [];
    private readonly List<(int Host, long Place, Stored Stored)> _pending = [];
    private byte[] _head = [];
    private int _underWay = -1;
    private int _nextOrdinal;

    /// <summary>Number of the newest complete checkpoint; −1 while there is none.</summary>
    public int Number { get; private set; } = -1;

    /// <summary>The barrier that it stands at, ns of virtual time.</summary>
    public long TimeNs { get; private set; }

    /// <summary>Whether a part belongs to a checkpoint that needs no earlier one.</summary>
    /// <exception cref="InvalidDataException">It is damaged.</exception>
    public static bool IsFull(ReadOnlyMemory<byte> part) => CheckpointForm.Open(part, out _).Full;

    /// <summary>
    /// Adds the next part. A checkpoint that misses its last part is dropped when another begins.
    /// </summary>
    /// <exception cref="InvalidDataException">The part is damaged, or one before it is missing.</exception>
    public void Add(ReadOnlyMemory<byte> bytes)
    {
        CheckpointPart part = CheckpointForm.Open(bytes, out StateReader entries);
        if (part.Ordinal == 0)
        {
            Begin(in part);
        }
        else if (part.Number != _underWay || part.Ordinal != _nextOrdinal)
        {
            throw new InvalidDataException(
                $"part {part.Ordinal} of checkpoint {part.Number} follows part {_nextOrdinal - 1} of checkpoint {_underWay}");
        }

        _nextOrdinal = part.Ordinal + 1;
        byte[]? head = null;
        while (!entries.AtEnd)
        {
            head = ReadEntry(ref entries) ?? head;
        }

        if (part.Last)
        {
            Complete(in part, head ?? throw new InvalidDataException($"checkpoint {part.Number} ends without its head"));
        }
    }

    /// <summary>Puts the states of all hosts that live in a simulation into it.</summary>
    internal void Load(Simulation simulation, bool anyStrategy)
    {
        if (Number < 0)
        {
            throw new InvalidDataException("there is no complete checkpoint");
        }

        using var decompressor = new Decompressor();
        var head = new StateReader(_head);
        ScheduleMemory memory = simulation.CheckTopology(ref head, anyStrategy);
        head.Int64();
        head.Int64();
        byte[] buffer = [];
        foreach (HostContext host in simulation.Hosts)
        {
            if (!host.IsLocal)
            {
                PassOver(ref head);
                continue;
            }

            int length = Assemble(host, ref head, ref buffer, decompressor);
            var reader = new StateReader(buffer.AsSpan(0, length));
            host.Load(ref reader, memory);
            if (!reader.AtEnd)
            {
                throw new InvalidDataException($"host {host.Name} has bytes left over in the checkpoint");
            }
        }
    }

    private int Assemble(HostContext host, ref StateReader head, ref byte[] buffer, Decompressor decompressor)
    {
        long count = head.Int64();
        StateReader measure = head;
        long length = 0;
        for (long i = 0; i < count; i++)
        {
            measure.Int64();
            length += measure.Int64();
            CheckpointForm.ReadHash(ref measure);
        }

        if (buffer.Length < length)
        {
            buffer = new byte[length];
        }

        int at = 0;
        for (long i = 0; i < count; i++)
        {
            long place = head.Int64();
            Span<byte> target = buffer.AsSpan(at, (int)head.Int64());
            UInt128 hash = CheckpointForm.ReadHash(ref head);
            if (!_pieces.TryGetValue((host.HostId, place), out Stored? stored))
            {
                throw new InvalidDataException($"checkpoint {Number} misses a piece of host {host.Name}");
            }

            stored.Unpack(target, decompressor);
            if (XxHash128.HashToUInt128(target) != hash)
            {
                throw new InvalidDataException($"checkpoint {Number} has a wrong piece of host {host.Name}");
            }

            at += target.Length;
        }

        return at;
    }

    private void Begin(in CheckpointPart part)
    {
        if (!part.Full && part.Number != Number + 1)
        {
            throw new InvalidDataException(Number < 0
                ? $"checkpoint {part.Number} needs earlier ones, and there are none"
                : $"checkpoint {part.Number} needs the one before it, and the last one is {Number}");
        }

        _pending.Clear();
        _underWay = part.Number;
    }

    private byte[]? ReadEntry(ref StateReader entries)
    {
        long kind = entries.Int64();
        if (kind is CheckpointForm.PieceEntry or CheckpointForm.PlanesEntry)
        {
            int host = (int)entries.Int64();
            long place = entries.Int64();
            int length = (int)entries.Int64();
            _pending.Add((host, place, new Stored(length, kind == CheckpointForm.PlanesEntry, entries.Block().ToArray())));
            return null;
        }

        if (kind != CheckpointForm.HeadEntry)
        {
            throw new InvalidDataException($"a part of a checkpoint has an entry of the kind {kind}, which is not known");
        }

        long headLength = entries.Int64();
        using var decompressor = new Decompressor();
        byte[] head = new byte[headLength];
        new Stored(-1, false, entries.Block().ToArray()).Unpack(head, decompressor);
        return head;
    }

    private void Complete(in CheckpointPart part, byte[] head)
    {
        if (part.Full)
        {
            _pieces.Clear();
        }

        foreach ((int host, long place, Stored stored) in _pending)
        {
            _pieces[(host, place)] = stored;
        }

        _pending.Clear();
        _head = head;
        Number = part.Number;
        TimeNs = part.TimeNs;
        _underWay = -1;
    }

    /// <summary>A piece as it is stored.</summary>
    private sealed class Stored(int length, bool planes, byte[] bytes)
    {
        public int Length => length;

        public long Kind => planes ? CheckpointForm.PlanesEntry : CheckpointForm.PieceEntry;

        public byte[] Bytes => bytes;

        [ThreadStatic]
        private static byte[]? t_planes;

        public void Unpack(Span<byte> target, Decompressor decompressor)
        {
            if (planes)
            {
                t_planes = t_planes?.Length >= target.Length ? t_planes : new byte[Math.Max(target.Length, Piece.Bytes)];
                Span<byte> split = t_planes.AsSpan(0, target.Length);
                Unwrap(split, decompressor);
                WordPlanes.Join(split, target);
            }
            else if (bytes.Length == length)
            {
                bytes.CopyTo(target);
            }
            else
            {
                Unwrap(target, decompressor);
            }
        }

        private void Unwrap(Span<byte> target, Decompressor decompressor)
        {
            int got;
            try
            {
                got = decompressor.Unwrap(bytes, target);
            }
            catch (ZstdException e)
            {
                throw new InvalidDataException("the checkpoint is damaged: its compressed bytes cannot be read", e);
            }

            if (got != target.Length)
            {
                throw new InvalidDataException($"a piece of {target.Length} bytes unpacked to {got}");
            }
        }
    }
}
