// A meeting point of threads: spin first, for a window may be shorter than a wake-up, then park.
namespace ClusterSwap.Engine;

/// <summary>
/// All participants arrive before any leaves. What one wrote before arriving, all others see after leaving.
/// </summary>
internal sealed class SpinGate
{
    private readonly object _lock = new();
    private readonly int _participants;
    private readonly int _spins;
    private int _missing;
    private int _generation;
    private int _parked;

    public SpinGate(int participants, int spins)
    {
        _participants = participants;
        _spins = spins;
        _missing = participants;
    }

    /// <summary>Waits for the others. Counts how it waited.</summary>
    public void Arrive(WorkerStatistics waiting)
    {
        int generation = Volatile.Read(ref _generation);
        if (Interlocked.Decrement(ref _missing) == 0)
        {
            Release(generation);
            return;
        }

        long sinceTick = waiting.BeginWait();
        if (!SpinFor(generation, waiting))
        {
            Park(generation);
            waiting.Parks++;
        }

        waiting.EndWait(sinceTick);
    }

    private void Release(int generation)
    {
        _missing = _participants;

        // A full fence between the new generation and the look at who has parked, as Park has between the opposite two:
        // either the parked one sees the generation or it is seen here.
        Interlocked.Exchange(ref _generation, generation + 1);
        if (Volatile.Read(ref _parked) > 0)
        {
            lock (_lock)
            {
                Monitor.PulseAll(_lock);
            }
        }
    }

    private bool SpinFor(int generation, WorkerStatistics waiting)
    {
        for (int i = 0; i < _spins; i++)
        {
            if (Volatile.Read(ref _generation) != generation)
            {
                waiting.Spins += i;
                return true;
            }

            Thread.SpinWait(8);
        }

        waiting.Spins += _spins;
        return Volatile.Read(ref _generation) != generation;
    }

    private void Park(int generation)
    {
        lock (_lock)
        {
            Interlocked.Increment(ref _parked);
            while (Volatile.Read(ref _generation) == generation)
            {
                Monitor.Wait(_lock);
            }

            Interlocked.Decrement(ref _parked);
        }
    }
}
