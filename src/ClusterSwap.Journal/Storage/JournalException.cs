// What goes wrong with a journal.
namespace ClusterSwap.Journal;

/// <summary>The journal cannot be written or read, and the text says what to do about it.</summary>
public sealed class JournalException : Exception
{
    /// <summary>What is wrong and what helps.</summary>
    public JournalException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }

    /// <summary>The store is as it should be, and has nothing of the run.</summary>
    public bool HoldsNothing { get; init; }
}

/// <summary>A journal is damaged. Everything before the place can be read.</summary>
public sealed class JournalDamageException : Exception
{
    /// <summary>Names the place.</summary>
    public JournalDamageException(
        string runId, int partition, int epoch, long sequence, string what, Exception? inner = null)
        : base(
            $"the journal of run {runId} is damaged: partition {partition}, epoch {epoch}, sequence {sequence}: {what}",
            inner)
    {
        RunId = runId;
        Partition = partition;
        Epoch = epoch;
        Sequence = sequence;
        What = what;
    }

    /// <summary>The run.</summary>
    public string RunId { get; }

    /// <summary>The partition of the stream.</summary>
    public int Partition { get; }

    /// <summary>The epoch of the stream.</summary>
    public int Epoch { get; }

    /// <summary>Sequence number of the row that is wrong or missing, from 1.</summary>
    public long Sequence { get; }

    /// <summary>What is wrong with it.</summary>
    public string What { get; }
}
