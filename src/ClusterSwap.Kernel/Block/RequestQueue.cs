// The request queue of a block device: how many requests there may be, and who has to sleep for one.
using System.Diagnostics.CodeAnalysis;
using MemoryPack;

namespace ClusterSwap.Kernel.Block;

/// <summary>
/// <c>struct request_queue</c> as far as it limits requests (<c>block/blk-core.c</c>: __get_request, get_request,
/// freed_request, 3.6). Reads and writes are counted apart. A request counts until it is completed, also while the
/// driver holds it. Requests are objects of this queue and are used again, the one freed last first.
/// </summary>
/// <remarks>
/// Does not guarantee fairness: a woken task may find that others took the request, and then queues up behind all.
/// </remarks>
[MemoryPackable]
public sealed partial class RequestQueue
{
    /// <summary>BLKDEV_MAX_RQ: what nr_requests starts with.</summary>
    public const int NrRequests = 128;

    /// <summary>BLKDEV_MIN_RQ: the least that nr_requests can be set to.</summary>
    public const int FewestRequests = 4;

    /// <summary>BLK_BATCH_REQ: requests that a batcher may take from a full queue.</summary>
    public const int BatchRequests = 32;

    /// <summary>BLK_BATCH_TIME, HZ/50, ns: how long a batcher is one.</summary>
    public const long BatchTimeNs = 20_000_000;

    [MemoryPackInclude] private BlockRequest[] _requests = [];
    [MemoryPackInclude] private int _created;
    [MemoryPackInclude] private int[] _freeTags = [];
    [MemoryPackInclude] private int _freeCount;
    [MemoryPackInclude] private RequestClass _reads = new();
    [MemoryPackInclude] private RequestClass _writes = new();
    [MemoryPackInclude] private BatchState[] _tasks = [];
    [MemoryPackInclude] private ulong _handles;

    /// <summary>
    /// Tags that reads and writes share (<c>blk_mq_get_tag</c>): whoever finds none waits, in one line for both; there
    /// are neither batchers nor congestion marks. 0: the classes of 3.x.
    /// </summary>
    public int SharedTags;

    /// <summary>What the administrator set nr_requests to; 0: nothing.</summary>
    public int SetRequests;

    /// <summary>nr_requests: requests of each class before the queue is full, or tags for both.</summary>
    [MemoryPackIgnore]
    public int Limit => SharedTags > 0 ? SharedTags : SetRequests > 0 ? SetRequests : NrRequests;

    /// <summary>
    /// A class is congested from this many on, counting the one to come (<c>blk_queue_congestion_threshold</c>):
    /// 128 − 128/8 + 1 = 113, and never more than the limit.
    /// </summary>
    [MemoryPackIgnore]
    public int CongestedOn => Math.Min(Limit - Limit / 8 + 1, Limit);

    /// <summary>A class is congested no longer below this many: 128 − 128/8 − 128/16 − 1 = 103, at least 1.</summary>
    [MemoryPackIgnore]
    public int CongestedOff => Math.Max(Limit - Limit / 8 - Limit / 16 - 1, 1);

    /// <summary>What batchers may reach: 50 % more than the limit.</summary>
    [MemoryPackIgnore]
    public int HardLimit => Limit * 3 / 2;

    /// <summary>Requests got (block_getrq).</summary>
    public long GetRq;

    /// <summary>Times that a task had to sleep for a request (block_sleeprq).</summary>
    public long SleepRq;

    /// <summary>Plugs that received their first request (block_plug).</summary>
    public long Plugs;

    /// <summary>Plugs flushed (block_unplug).</summary>
    public long Unplugs;

    /// <summary>Bios appended to a plugged request (block_bio_backmerge).</summary>
    public long BackMerges;

    /// <summary>Bios put before a plugged request (block_bio_frontmerge).</summary>
    public long FrontMerges;

    /// <summary>What /sys/block/*/stat shows.</summary>
    public DiskStat Disk = new();

    /// <summary>Requests that exist, in flight or not: tags run from 0 to this.</summary>
    [MemoryPackIgnore]
    public int Created => _created;

    /// <summary>A request by its tag.</summary>
    public BlockRequest this[int tag] => _requests[tag];

    /// <summary>Requests of a class that are not completed.</summary>
    public int InFlight(bool write) => Of(write).Count;

    /// <summary>Tasks that sleep for a request of a class.</summary>
    public int Sleepers(bool write) => LineOf(write).Sleepers;

    /// <summary>bdi_congested of a class.</summary>
    public bool Congested(bool write) => Of(write).Congested;

    /// <summary>The class is full: only batchers get requests. Shared tags: none is left.</summary>
    public bool Full(bool write) =>
        SharedTags > 0 ? _reads.Count + _writes.Count == SharedTags : Of(write).Full;

    /// <summary>
    /// Gets a request for <paramref name="task"/> (a small number, from 0). False: the task must flush its plug and
    /// sleep until <see cref="PutRequest"/> names it, then call again; it stands in the FIFO, once, whatever it calls
    /// meanwhile.
    /// </summary>
    public bool TryGetRequest(bool write, int task, long nowNs, [NotNullWhen(true)] out BlockRequest? request)
    {
        var requests = Of(write);
        ref var batch = ref BatchOf(task);
        request = null;
        if (batch.Sleeping)
        {
            return false;
        }

        if (batch.Woken && SharedTags == 0)
        {
            // Who had to sleep may take a batch, so that it does not sleep again for each request.
            batch.Woken = false;
            batch.Begin(nowNs);
        }

        if (!MayGet(requests, ref batch, nowNs))
        {
            LineOf(write).Sleep(task);
            batch.Sleeping = true;
            SleepRq++;
            return false;
        }

        requests.Count++;
        GetRq++;
        if (SharedTags == 0 && batch.IsBatching(nowNs))
        {
            batch.Left--;
        }

        request = Take(write, nowNs);
        return true;
    }

    /// <summary>
    /// Completes a request. Returns the task that has to be woken because it sleeps for a request of this class, or −1.
    /// </summary>
    public int PutRequest(BlockRequest request, long nowNs)
    {
        if (!request.InFlight || !ReferenceEquals(_requests[request.Tag], request) || nowNs < request.QueuedNs)
        {
            throw new InvalidOperationException(
                $"request {request.Tag} ends at {nowNs} ns: in flight {request.InFlight}, got at {request.QueuedNs}");
        }

        Disk.Done(request, nowNs);
        request.InFlight = false;
        _freeTags[_freeCount++] = request.Tag;
        var requests = Of(request.Write);
        requests.Count--;
        if (SharedTags > 0)
        {
            return WakeOne(requests: LineOf(request.Write));
        }

        if (requests.Count < CongestedOff)
        {
            requests.Congested = false;
        }

        if (requests.Count + 1 > Limit)
        {
            return RequestClass.NoTask;
        }

        requests.Full = false;
        return WakeOne(requests);
    }

    private int WakeOne(RequestClass requests)
    {
        var task = requests.Wake();
        if (task != RequestClass.NoTask)
        {
            ref var batch = ref BatchOf(task);
            batch.Sleeping = false;
            batch.Woken = true;
        }

        return task;
    }

    /// <summary>
    /// The request in flight with this handle, or null: the driver treats an unknown handle as fatal.
    /// </summary>
    public BlockRequest? Find(ulong handle)
    {
        var tag = (int)(handle & 0xffff);
        return tag < _created && _requests[tag].InFlight && _requests[tag].Handle == handle ? _requests[tag] : null;
    }

    /// <summary>
    /// <c>__get_request</c>: from 113 of 128 on the class is congested; who makes it full becomes a batcher; then only
    /// batchers get requests, up to 192.
    /// </summary>
    private bool MayGet(RequestClass requests, ref BatchState batch, long nowNs)
    {
        if (SharedTags > 0)
        {
            return _reads.Count + _writes.Count < SharedTags;
        }

        if (requests.Count + 1 >= CongestedOn)
        {
            if (requests.Count + 1 >= Limit)
            {
                if (!requests.Full)
                {
                    batch.Begin(nowNs);
                    requests.Full = true;
                }
                else if (!batch.IsBatching(nowNs))
                {
                    return false;
                }
            }

            requests.Congested = true;
        }

        return requests.Count < HardLimit;
    }

    private BlockRequest Take(bool write, long nowNs)
    {
        if (_freeCount == 0)
        {
            AddRequest();
        }

        var request = _requests[_freeTags[--_freeCount]];
        request.Write = write;
        request.FirstSlot = 0;
        request.Count = 0;
        request.Limit = SharedTags > 0 ? BlockRequest.Capacity : BlockRequest.MaxPages;
        request.QueuedNs = nowNs;
        request.Handle = ++_handles << 16 | (uint)request.Tag;
        request.InFlight = true;
        return request;
    }

    /// <summary>
    /// Objects are made when a blade first needs so many: most never need the 384 that the usual limits allow.
    /// </summary>
    private void AddRequest()
    {
        if (_created == _requests.Length)
        {
            var room = Math.Min(Math.Max(16, _created * 2), 2 * HardLimit);
            Array.Resize(ref _requests, room);
            Array.Resize(ref _freeTags, room);
        }

        _requests[_created] = new BlockRequest { Tag = _created };
        _freeTags[_freeCount++] = _created++;
    }

    private RequestClass Of(bool write) => write ? _writes : _reads;

    private RequestClass LineOf(bool write) => SharedTags > 0 ? _writes : Of(write);

    private ref BatchState BatchOf(int task)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(task);
        if (task >= _tasks.Length)
        {
            Array.Resize(ref _tasks, Math.Max(task + 1, _tasks.Length * 2));
        }

        return ref _tasks[task];
    }

    /// <summary>Checks counts, flags and free tags. O(requests).</summary>
    public void AssertInvariants()
    {
        var reads = 0;
        var writes = 0;
        for (var tag = 0; tag < _created; tag++)
        {
            var request = _requests[tag];
            reads += request is { InFlight: true, Write: false } ? 1 : 0;
            writes += request is { InFlight: true, Write: true } ? 1 : 0;
            Require(request.Tag == tag, $"request {tag} says that it is {request.Tag}");
        }

        Require(reads == _reads.Count && writes == _writes.Count,
            $"{reads} reads and {writes} writes in flight, counted {_reads.Count} and {_writes.Count}");
        Require(_created == reads + writes + _freeCount,
            $"{_created} requests, {_freeCount} free, {reads + writes} in flight");
        var sleeping = 0;
        foreach (ref var task in _tasks.AsSpan())
        {
            sleeping += task.Sleeping ? 1 : 0;
        }

        Require(sleeping == _reads.Sleepers + _writes.Sleepers,
            $"{sleeping} tasks sleep, {_reads.Sleepers} and {_writes.Sleepers} stand in line");
        if (SharedTags > 0)
        {
            Require(reads + writes <= SharedTags, $"{reads + writes} tags are out, there are {SharedTags}");
            return;
        }

        _reads.AssertInvariants(this);
        _writes.AssertInvariants(this);
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"request queue: {what}");
        }
    }
}
