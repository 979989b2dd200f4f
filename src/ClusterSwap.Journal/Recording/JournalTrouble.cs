// What is wrong with the database at the moment, seen by recorders and told to the run.
namespace ClusterSwap.Journal;

/// <summary>
/// Judges failures of the database: those that pass are waited for, up to a limit; those that do not end the recording,
/// and with it the run, by a text that says what to do.
/// </summary>
internal sealed class JournalTrouble(JournalStore store, JournalPatience patience, Action<string>? tell)
{
    private readonly object _gate = new();
    private Exception? _present;
    private string? _told;
    private long? _answeredAt;

    /// <summary>Takes a failure in; the result is not null when there is no use in trying again.</summary>
    public Exception? Note(Exception cause, bool isFinal)
    {
        lock (_gate)
        {
            _present = cause;
            if (isFinal || store.IsHopeless(cause))
            {
                return cause as JournalException ?? new JournalException(store.Explain(cause), Bare(cause));
            }

            string text = store.Explain(cause);
            if (text != _told)
            {
                _told = text;
                tell?.Invoke($"The journal waits: {text}");
            }

            return null;
        }
    }

    /// <summary>The database answers, whoever asked it.</summary>
    public void Clear()
    {
        lock (_gate)
        {
            _answeredAt = patience.Clock.GetTimestamp();
            if (_told is not null)
            {
                tell?.Invoke("The journal goes on.");
            }

            _present = null;
            _told = null;
        }
    }

    /// <summary>Tells of a wait in which the database answers nothing, and ends one that is too long by throwing.</summary>
    public void OnWait(JournalWait wait)
    {
        TimeSpan waited = wait.Unacknowledged;
        bool isLong = waited >= patience.Longest
            || (patience.Stop.IsCancellationRequested && waited >= patience.AfterStop);
        if (!isLong)
        {
            TellSilence(wait.Unanswered);
            return;
        }

        lock (_gate)
        {
            string why = _present is null ? $"{store.Describe()} does not answer" : store.Explain(_present);
            throw new JournalException(
                $"{why} The run waited {waited.TotalSeconds:0} s for it and ends here; "
                + "what the journal acknowledged is in it.",
                _present is null ? null : Bare(_present));
        }
    }

    // A database that stalls fails in nothing: only the wait shows it. One that answers another partition is slow, and a
    // run that waits for a slow database is told nothing: it gets on.
    private void TellSilence(TimeSpan unanswered)
    {
        lock (_gate)
        {
            bool isSilent = _answeredAt is not { } at || patience.Clock.GetElapsedTime(at) >= patience.Silence;
            if (_told is null && isSilent && unanswered >= patience.Silence)
            {
                _told = $"{store.Describe()} has not answered for {unanswered.TotalSeconds:0} s.";
                tell?.Invoke($"The journal waits: {_told} The run goes on when it does.");
            }
        }
    }

    // What a database driver throws may carry more than one wants in a log: its text has been looked through, its type
    // is kept, and nothing else.
    private JournalException Bare(Exception cause)
        => new($"{cause.GetBaseException().GetType().Name}: {store.Redact(cause.GetBaseException().Message)}");
}

/// <summary>How long a run waits for its database.</summary>
public sealed record JournalPatience
{
    /// <summary>Longest wait in which nothing is acknowledged.</summary>
    public TimeSpan Longest { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// A wait in which the database answers nothing for so long is told. A row takes milliseconds, and seconds where thirty
    /// others want the same processors and the same disk.
    /// </summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Longest wait of that kind once the user wants to stop.</summary>
    public TimeSpan AfterStop { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Cancelled when the user wants to stop.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>What waits are measured by.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
