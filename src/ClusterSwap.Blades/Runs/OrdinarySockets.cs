// What the ordinary sockets of a blade hold, and how much of it came from the reserve.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;

namespace ClusterSwap.Blades.Runs;

/// <summary>
/// The buffers that lie in UDP sockets and in the sockets of streams, at rest. What it says about the reserve is the
/// truth of the page frames, not what tags say. Looking changes nothing.
/// </summary>
public sealed class OrdinarySockets
{
    private readonly BystanderState? _datagrams;
    private readonly IReadOnlyList<TcpReaderState> _streams;
    private readonly PageFrame[] _frames;

    private OrdinarySockets(BystanderState? datagrams, IReadOnlyList<TcpReaderState> streams, PageFrame[] frames)
    {
        _datagrams = datagrams;
        _streams = streams;
        _frames = frames;
        var reserve = new HashSet<int>();
        var slabs = new HashSet<int>();
        foreach (var socket in datagrams?.Sockets ?? [])
        {
            for (var i = 0; i < socket.Queue.Count; i++)
            {
                Add(in socket.Queue[i], reserve, slabs);
            }
        }

        foreach (var stream in streams)
        {
            for (var i = 0; i < stream.Queued; i++)
            {
                Add(stream.Buffer(i), reserve, slabs);
            }
        }

        ReservePages = reserve.Count;
        ReserveSlabs = slabs.Count;
    }

    /// <summary>Sockets of streams.</summary>
    public IReadOnlyList<TcpReaderState> Streams => _streams;

    /// <summary>Buffers in all sockets.</summary>
    public int Buffers { get; private set; }

    /// <summary>Their truesize, bytes.</summary>
    public long TrueSize { get; private set; }

    /// <summary>Buffers whose data lies on a page of the reserve, tagged or not.</summary>
    public int ReserveBuffers { get; private set; }

    /// <summary>Receive pages of the reserve that these buffers hold.</summary>
    public int ReservePages { get; }

    /// <summary>
    /// Slabs made from the reserve, for whomever, in which headers or data of these buffers lie. An object of such a
    /// slab may be given to anybody once pages are free again (patch 1): it keeps the slab.
    /// </summary>
    public int ReserveSlabs { get; }

    /// <summary>The sockets of a blade; null when it has none.</summary>
    public static OrdinarySockets? Of(Simulation simulation, BladePlace place)
    {
        var background = place.Group.Background;
        if (background.Bystanders == 0 && background.Tcp.Streams == 0)
        {
            return null;
        }

        var datagrams = background.Bystanders == 0
            ? null
            : simulation.Actor<Bystander>(place.Host, BladeActors.Bystanders(place.Spec.UserTasks)).Inspect;
        var streams = Enumerable.Range(place.Spec.Processes, place.Spec.Readers)
            .Select(space => simulation.Actor<TcpReader>(place.Host, BladeActors.Process(space)).Inspect).ToArray();
        var memory = simulation.Actor<Blade>(place.Host, BladeActors.Blade).Inspect.Memory;
        return new OrdinarySockets(datagrams, streams, memory.Pages.Frames);
    }

    /// <summary>The sockets in words, a line a kind, for a report.</summary>
    public IEnumerable<string> Tell()
    {
        if (_datagrams is not null)
        {
            yield return HangStory.Text($"{_datagrams.Sockets.Length:N0} ordinary UDP sockets hold ")
                + HangStory.Count(_datagrams.Queued, "datagram", "datagrams");
        }

        for (var stream = 0; stream < _streams.Count; stream++)
        {
            var reader = _streams[stream];
            if (reader.Queued > 0)
            {
                yield return HangStory.Text($"the socket of stream {stream} holds ")
                    + HangStory.Count(reader.Queued, "buffer", "buffers")
                    + HangStory.Text($" ({reader.Tcp.RmemAlloc + reader.Backlog.TrueSize:N0} bytes): its reader ")
                    + DoingOf(reader);
            }
        }

        if (ReservePages > 0)
        {
            yield return HangStory.Text($"ordinary sockets hold {ReserveBuffers:N0} buffers on ")
                + HangStory.Count(ReservePages, "page", "pages") + " of the reserve";
        }
    }

    private static string DoingOf(TcpReaderState reader)
    {
        if (reader.Step == ReaderStep.Stuck)
        {
            return "is stuck and never reads";
        }

        var owns = reader.Owned ? "owns the socket and " : "";
        return owns + reader.Task.Wait switch
        {
            WaitKind.PageLock => "waits for a page of its own, which is being read in",
            WaitKind.Request => "waits for a request of the swap device, to read a page of its own in",
            WaitKind.Bio => "waits for a bio, to read a page of its own in",
            WaitKind.FreePage or WaitKind.Timer => "waits for a free page, to read a page of its own in",
            WaitKind.SocketData => "waits for data in order",
            WaitKind.TxLock => "waits for tx_lock in its reclaim",
            _ => "runs, or waits for a CPU",
        };
    }

    private void Add(in SkBuff skb, HashSet<int> reserve, HashSet<int> slabs)
    {
        Buffers++;
        TrueSize += skb.TrueSize;
        AddSlab(skb.Head, slabs);
        AddSlab(skb.Data, slabs);
        var fromReserve = IsOfReserve(skb.Fragment);
        if (fromReserve)
        {
            reserve.Add(skb.Fragment);
        }

        ReserveBuffers += skb.PfMemAlloc || fromReserve ? 1 : 0;
    }

    private void AddSlab(int page, HashSet<int> slabs)
    {
        if (IsOfReserve(page))
        {
            slabs.Add(page);
        }
    }

    private bool IsOfReserve(int page) => page != PageFrame.None && _frames[page].Has(PageFlags.FromReserve);
}
