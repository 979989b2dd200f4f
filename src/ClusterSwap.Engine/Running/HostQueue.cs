// The hosts of a partition by the time of their next event.
namespace ClusterSwap.Engine;

/// <summary>
/// An indexed binary heap over hosts: the first and the second are known at once, and a host moves in logarithmic
/// time, so a thousand hosts cost little more per event than one. Ties go to the lower place, though order among
/// hosts decides nothing.
/// </summary>
internal sealed class HostQueue
{
    private readonly long[] _keys;
    private readonly int[] _heap;
    private readonly int[] _positions;

    public HostQueue(int hosts)
    {
        _keys = new long[hosts];
        _heap = new int[hosts];
        _positions = new int[hosts];
        for (int i = 0; i < hosts; i++)
        {
            _keys[i] = long.MaxValue;
            _heap[i] = i;
            _positions[i] = i;
        }
    }

    /// <summary>The host whose next event is first.</summary>
    public int First => _heap[0];

    /// <summary>Time of the first event of all.</summary>
    public long FirstKey => _keys[_heap[0]];

    /// <summary>Time of the first event of any other host; <see cref="long.MaxValue"/> when there is none.</summary>
    public long SecondKey => _heap.Length switch
    {
        1 => long.MaxValue,
        2 => _keys[_heap[1]],
        _ => Math.Min(_keys[_heap[1]], _keys[_heap[2]]),
    };

    public long KeyOf(int host) => _keys[host];

    /// <summary>Sets the time of a host's next event.</summary>
    public void Set(int host, long key)
    {
        long old = _keys[host];
        _keys[host] = key;
        if (key < old)
        {
            Rise(_positions[host]);
        }
        else if (key > old)
        {
            Sink(_positions[host]);
        }
    }

    private bool Before(int a, int b) => _keys[a] != _keys[b] ? _keys[a] < _keys[b] : a < b;

    private void Rise(int at)
    {
        int host = _heap[at];
        while (at > 0)
        {
            int parent = (at - 1) >> 1;
            if (!Before(host, _heap[parent]))
            {
                break;
            }

            Place(_heap[parent], at);
            at = parent;
        }

        Place(host, at);
    }

    private void Sink(int at)
    {
        int host = _heap[at];
        while (true)
        {
            int child = (at << 1) + 1;
            if (child >= _heap.Length)
            {
                break;
            }

            if (child + 1 < _heap.Length && Before(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!Before(_heap[child], host))
            {
                break;
            }

            Place(_heap[child], at);
            at = child;
        }

        Place(host, at);
    }

    private void Place(int host, int at)
    {
        _heap[at] = host;
        _positions[host] = at;
    }
}
