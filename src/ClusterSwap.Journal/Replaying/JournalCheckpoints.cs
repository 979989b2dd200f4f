// The checkpoints of a journal, put together.
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Engine;

namespace ClusterSwap.Journal;

/// <summary>
/// Checkpoints of a recorded run for its re-execution. One needs those before it back to the last full one of its
/// epoch; what was read is kept as long as it is compressed, so going on from one to the next reads the next only. One that
/// is damaged, or needs one that is, cannot be had; the reader keeps the damage.
/// </summary>
public sealed class JournalCheckpoints : ICheckpointSource
{
    private readonly IJournalReader _reader;
    private readonly IReadOnlyList<CheckpointEntry> _entries;
    private CheckpointAssembly? _assembly;
    private int _at = -1;

    /// <summary>Those that the reader has.</summary>
    public JournalCheckpoints(IJournalReader reader)
    {
        _reader = reader;
        _entries = reader.Checkpoints;
        TimesNs = [.. _entries.Select(entry => entry.BarrierNs)];
    }

    /// <summary>
    /// Those that this build can go on from: none of a run of another, whose states may be laid out otherwise. Of such a
    /// run every moment is reached from the beginning.
    /// </summary>
    public static ICheckpointSource OfThisBuild(IJournalReader reader)
        => reader.Header.Build == Verification.Build ? new JournalCheckpoints(reader) : new NoCheckpoints();

    /// <inheritdoc/>
    public IReadOnlyList<long> TimesNs { get; }

    /// <inheritdoc/>
    public CheckpointAssembly? Load(int place)
    {
        if (_assembly is not null && _at == place)
        {
            return _assembly;
        }

        bool isNext = _assembly is not null && _at == place - 1 && _entries[place].Epoch == _entries[_at].Epoch;
        if (Chain(place, isNext) is not { } chain)
        {
            return null;
        }

        CheckpointAssembly assembly = isNext ? _assembly! : new CheckpointAssembly();
        _assembly = null;
        try
        {
            foreach (ReadOnlyMemory<byte> part in chain.SelectMany(CheckpointBlob.Parts))
            {
                assembly.Add(part);
            }
        }
        catch (InvalidDataException) when (_reader.Damage is not null)
        {
            // One between them is damaged, and so was left out by the reader.
            return null;
        }

        _assembly = assembly;
        _at = place;
        return assembly;
    }

    // What the checkpoint is put together from, the oldest first; null when some of it cannot be had.
    private Stack<byte[]>? Chain(int place, bool isNext)
    {
        var chain = new Stack<byte[]>();
        for (int i = place; i >= 0 && _entries[i].Epoch == _entries[place].Epoch; i--)
        {
            try
            {
                byte[] blob = _reader.LoadCheckpoint(_entries[i]);
                chain.Push(blob);
                if (isNext || IsFull(blob))
                {
                    return chain;
                }
            }
            catch (JournalDamageException)
            {
                return null;
            }
        }

        return null;
    }

    private static bool IsFull(byte[] blob) => CheckpointAssembly.IsFull(CheckpointBlob.Parts(blob).First());
}
