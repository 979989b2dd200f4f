// One class of requests of a queue, its sleepers, and what a task may take from a full queue.
using MemoryPack;

namespace ClusterSwap.Kernel.Block;

/// <summary>Count, state bits and wait queue of one class: reads (sync) or swap writes (async).</summary>
[MemoryPackable]
public sealed partial class RequestClass
{
    /// <summary>No task.</summary>
    public const int NoTask = -1;

    /// <summary>Requests got and not completed.</summary>
    public int Count;

    /// <summary>QUEUE_FLAG_SYNCFULL or ASYNCFULL.</summary>
    public bool Full;

    /// <summary>BDI_sync_congested or BDI_async_congested.</summary>
    public bool Congested;

    /// <summary>Tasks that sleep exclusively, a ring: the first at <see cref="_first"/>.</summary>
    [MemoryPackInclude] private int[] _ring = new int[16];
    [MemoryPackInclude] private int _first;

    /// <summary>Tasks that sleep.</summary>
    [MemoryPackInclude]
    public int Sleepers { get; private set; }

    /// <summary>Puts a task, which must not stand there yet, behind the other sleepers.</summary>
    public void Sleep(int task)
    {
        if (Sleepers == _ring.Length)
        {
            Grow();
        }

        _ring[(_first + Sleepers++) & (_ring.Length - 1)] = task;
    }

    /// <summary>
    /// Takes the first sleeper off the queue: a wake-up of one exclusive waiter. −1 without sleepers.
    /// </summary>
    public int Wake()
    {
        if (Sleepers == 0)
        {
            return NoTask;
        }

        var task = _ring[_first];
        _first = (_first + 1) & (_ring.Length - 1);
        Sleepers--;
        return task;
    }

    private int At(int index) => _ring[(_first + index) & (_ring.Length - 1)];

    private void Grow()
    {
        var larger = new int[_ring.Length * 2];
        for (var i = 0; i < Sleepers; i++)
        {
            larger[i] = At(i);
        }

        _ring = larger;
        _first = 0;
    }

    /// <summary>Checks the bounds that the limits promise.</summary>
    public void AssertInvariants(RequestQueue queue)
    {
        var congestionFits = Count < queue.CongestedOn || Congested;
        var fullFits = !Full || Count >= queue.Limit;
        if (Count < 0 || Count > queue.HardLimit || !congestionFits || !fullFits)
        {
            throw new InvalidOperationException(
                $"request class: {Count} in flight, congested {Congested}, full {Full}, {Sleepers} sleepers");
        }
    }
}

/// <summary>The batching state of a task's io_context.</summary>
[MemoryPackable]
public partial struct BatchState
{
    /// <summary>When the task became a batcher, ns (<c>last_waited</c>).</summary>
    public long SinceNs;

    /// <summary>Requests that it may still take from a full queue.</summary>
    public int Left;

    /// <summary>It stands in line for a request.</summary>
    public bool Sleeping;

    /// <summary>It slept for a request and has been woken.</summary>
    public bool Woken;

    /// <summary>
    /// <c>ioc_batching</c>: an untouched batch counts whatever the time, so that a woken task gets at least one
    /// request.
    /// </summary>
    public readonly bool IsBatching(long nowNs) =>
        Left == RequestQueue.BatchRequests || Left > 0 && nowNs < SinceNs + RequestQueue.BatchTimeNs;

    /// <summary><c>ioc_set_batching</c>: nothing for who is a batcher already.</summary>
    public void Begin(long nowNs)
    {
        if (!IsBatching(nowNs))
        {
            Left = RequestQueue.BatchRequests;
            SinceNs = nowNs;
        }
    }
}
