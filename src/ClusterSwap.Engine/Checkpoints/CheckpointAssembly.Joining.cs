// Checkpoints that several simulations of one run took at one barrier, as one.

namespace ClusterSwap.Engine;

public sealed partial class CheckpointAssembly
{
    // The head begins with the topology (four words), the time and the number of hosts; the hosts' lists follow.
    private const int HeadWords = 6;

    // What is said of a piece in the head: place, length, hash.
    private const int PieceBytes = 4 * sizeof(long);

    /// <summary>
    /// Joins the newest checkpoints of several assemblies, each of which has the hosts that live in one simulation. The
    /// result does not change when they go on.
    /// </summary>
    /// <exception cref="InvalidDataException">They are not of one run and one barrier, or a host is missing.</exception>
    public static CheckpointAssembly Join(IReadOnlyList<CheckpointAssembly> assemblies)
    {
        var joined = new CheckpointAssembly { Number = assemblies[0].Number, TimeNs = assemblies[0].TimeNs };
        ReadOnlySpan<byte> common = assemblies[0]._head.AsSpan(0, HeadWords * sizeof(long));
        var writer = new StateWriter();
        writer.Bytes(common);
        int[] positions = new int[assemblies.Count];
        for (int i = 0; i < positions.Length; i++)
        {
            if (assemblies[i].Number < 0 || !assemblies[i]._head.AsSpan(0, common.Length).SequenceEqual(common))
            {
                throw new InvalidDataException("the checkpoints to be joined are not of one run at one barrier");
            }

            positions[i] = common.Length;
        }

        long hosts = new StateReader(common[((HeadWords - 1) * sizeof(long))..]).Int64();
        for (int host = 0; host < hosts; host++)
        {
            joined.TakeHost(host, assemblies, positions, writer);
        }

        joined._head = writer.Written.ToArray();
        return joined;
    }

    /// <summary>
    /// Writes it as one full checkpoint, in parts, of all hosts or of some; its pieces are not compressed anew.
    /// </summary>
    public void WriteFull(int number, ICheckpointSink sink, Func<int, bool>? hosts = null)
    {
        using var packer = new CheckpointPacker(hosts: 0, sink, new CheckpointStatistics());
        packer.Begin(number, TimeNs, full: true);
        var written = new StateWriter();
        written.Bytes(_head.AsSpan(0, HeadWords * sizeof(long)));
        var head = new StateReader(_head.AsSpan((HeadWords - 1) * sizeof(long)));
        long count = head.Int64();
        for (int host = 0; host < count; host++)
        {
            bool included = hosts is null || hosts(host);
            long pieces = head.Int64();
            written.Int64(included ? pieces : 0);
            for (long left = pieces; left > 0; left--)
            {
                ReadOnlySpan<byte> entry = head.Take(PieceBytes);
                if (included)
                {
                    long place = new StateReader(entry).Int64();
                    Stored stored = PieceOf(host, place);
                    packer.AddStored(stored.Kind, host, place, stored.Length, stored.Bytes);
                    written.Bytes(entry);
                }
            }
        }

        packer.End(written.Written);
    }

    private static void PassOver(ref StateReader head) => head.Take(head.Int64() * PieceBytes);

    private void TakeHost(
        int host, IReadOnlyList<CheckpointAssembly> assemblies, int[] positions, StateWriter writer)
    {
        CheckpointAssembly? owner = null;
        for (int i = 0; i < positions.Length; i++)
        {
            ReadOnlySpan<byte> rest = assemblies[i]._head.AsSpan(positions[i]);
            var reader = new StateReader(rest);
            long count = reader.Int64();
            int length = sizeof(long) + (int)(count * PieceBytes);
            positions[i] += length;
            if (count > 0)
            {
                owner = owner is null
                    ? assemblies[i]
                    : throw new InvalidDataException($"host {host} is in two of the checkpoints to be joined");
                writer.Bytes(rest[..length]);
                for (long left = count; left > 0; left--)
                {
                    long place = reader.Int64();
                    reader.Take(PieceBytes - sizeof(long));
                    _pieces[(host, place)] = owner.PieceOf(host, place);
                }
            }
        }

        if (owner is null)
        {
            throw new InvalidDataException($"host {host} is in none of the checkpoints to be joined");
        }
    }

    private Stored PieceOf(int host, long place) => _pieces.TryGetValue((host, place), out Stored? stored)
        ? stored
        : throw new InvalidDataException($"checkpoint {Number} misses a piece of host {host}");
}
