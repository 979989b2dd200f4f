// Pages, objects, requests and bytes: what is given out against what is held.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Blades.Monitors;

public sealed partial class Conservation
{
    private void CheckPages()
    {
        long tx = 0, isolated = 0, writing = 0, reading = 0;
        var frames = _memory.Pages.Frames;
        for (var page = 0; page < frames.Length; page++)
        {
            ref readonly var frame = ref frames[page];
            isolated += Held(_held.Isolated, page, frame.Has(PageFlags.Isolated), "isolated");
            writing += Held(_held.Writing, page, frame.Has(PageFlags.Writeback), "under writeback");
            reading += Held(_held.Reading, page, frame.Has(PageFlags.Locked), "locked for its read");
            switch (frame.Owner)
            {
                case PageOwner.TxFragment:
                    tx += Held(_held.TxPages, page, flagged: true, "a fragment of the send queue");
                    break;
                case PageOwner.RxFragment:
                    Require(frame.Count == _held.Fragments(page),
                        $"receive page {page} counts {frame.Count} references, {_held.Fragments(page)} are held");
                    break;
                case PageOwner.Anon:
                    Require(frame.Mapping != PageFrame.None || frame.Has(PageFlags.SwapCache)
                        || frame.Has(PageFlags.Isolated) || _held.Unmapped.Contains(page),
                        $"anonymous page {page} is lost: flags {frame.Flags}");
                    break;
            }

            Require(frame.Owner == PageOwner.RxFragment || _held.Fragments(page) == 0,
                $"page {page} is held as a receive page, and belongs to {frame.Owner}");
        }

        Require(tx == _held.TxPages.Count, $"{_held.TxPages.Count} pages in the send queue, {tx} of them its own");
        Require(isolated == _held.Isolated.Count && writing == _held.Writing.Count && reading == _held.Reading.Count,
            $"{_held.Isolated.Count} isolated, {_held.Writing.Count} written, {_held.Reading.Count} read; "
            + $"{isolated}, {writing} and {reading} by their flags");
    }

    private static int Held(HashSet<int> held, int page, bool flagged, string what)
    {
        if (!flagged)
        {
            return 0;
        }

        Require(held.Contains(page), $"page {page} is {what}, and nobody holds it");
        return 1;
    }

    private void CheckTables()
    {
        var tables = 0L;
        var spaces = _memory.Spaces;
        for (var process = 0; process < spaces.Processes; process++)
        {
            for (var offset = 0; offset < spaces.PagesPerProcess; offset += AddressSpaces.EntriesPerTable)
            {
                tables += spaces.HasTable(spaces.Vpn(process, offset)) ? 1 : 0;
            }
        }

        var given = _memory.Pages.CountOwned(PageOwner.PageTable);
        Require(tables == given, $"{given} pages are page tables, {tables} are in use as such");
    }

    private void CheckObjects()
    {
        var leaf = -1;
        for (var slot = 0; slot < _memory.Slots.Pages; slot++)
        {
            if (_memory.SwapCache.NeedsNode(slot) && slot / _memory.SwapCache.LeafSlots != leaf)
            {
                leaf = slot / _memory.SwapCache.LeafSlots;
                _held.AddObjects(RadixCache, 1);
            }
        }

        for (var cache = 0; cache < _memory.Slabs.Count; cache++)
        {
            var given = _memory.Slabs[cache].ObjectsInUse;
            Require(given == _held.Objects(cache),
                $"{_memory.Slabs[cache].Name}: {given} objects are given out, {_held.Objects(cache)} are held");
        }

        var shared = _memory.Skbs.SharedData;
        for (var i = 0; i < shared.Count; i++)
        {
            Require(shared[i] == _held.HoldersOf(i + 1),
                $"shared data {i + 1} counts {shared[i]} holders, {_held.HoldersOf(i + 1)} are there");
        }

        var pages = _memory.Pages.CountOwned(PageOwner.Slab);
        Require(pages == _memory.Slabs.PagesHeld, $"{pages} pages are slabs, the caches hold {_memory.Slabs.PagesHeld}");
    }

    /// <summary>Requests are where they can be, and neither end of the connection knows more than the other has
    /// sent.</summary>
    private void CheckStreams()
    {
        var waiting = new HashSet<int>();
        foreach (var plug in _nbd.Plugs)
        {
            plug.AssertInvariants(_nbd.Queue);
            for (var i = 0; i < plug.Count; i++)
            {
                AddRequest(waiting, plug.Tags[i]);
            }
        }

        for (var i = 0; i < _nbd.Waiting.Count; i++)
        {
            AddRequest(waiting, _nbd.Waiting[i]);
        }

        var inFlight = _nbd.Queue.InFlight(write: true) + _nbd.Queue.InFlight(write: false);
        var taken = _nbd.Counters.Reads + _nbd.Counters.Writes;
        var answered = taken - (inFlight - waiting.Count);
        var server = _simulation.Actor<NbdServer>(_place.Server, ServerActors.Server).Inspect.Clients[_place.Connection];
        Require((_nbd.Failed || answered <= server.Requests) && server.Requests <= taken,
            $"the sender took {taken} requests, the server served {server.Requests}, {answered} are answered");

        var tcp = _nbd.Socket.Tcp;
        var peer = server.Tcp;
        Require(_nbd.Failed || server.Gone || tcp.SndUna <= peer.RcvNxt && peer.RcvNxt <= tcp.SndNxt && peer.SndUna <= tcp.RcvNxt
            && tcp.RcvNxt <= peer.SndNxt,
            $"sent {tcp.SndUna} to {tcp.SndNxt}, received {peer.RcvNxt}; "
            + $"answered {peer.SndUna} to {peer.SndNxt}, received {tcp.RcvNxt}");
        Require(tcp.RmemAlloc == _nbd.Socket.ReceiveQueue.TrueSize(),
            $"rmem is {tcp.RmemAlloc}, the receive queue holds {_nbd.Socket.ReceiveQueue.TrueSize()}");
        var wmem = 0L;
        for (var i = 0; i < _nbd.Socket.SendQueue.Skbs.Count; i++)
        {
            wmem += _nbd.Socket.SendQueue.Skbs[i].Skb.TrueSize;
        }

        Require(tcp.WmemQueued == wmem, $"wmem is {tcp.WmemQueued}, the send queue holds {wmem}");
        var below = Actor<Uplink>(BladeActors.Uplink).Inspect.Ring.Sum(slot => slot.Bytes);
        below += _place.Group.Nic.Arp ? Actor<Arp>(BladeActors.Arp(_place.Group)).Inspect.BytesWaiting : 0;
        Require(tcp.BytesBelow == below, $"{tcp.BytesBelow} bytes below TCP, {below} in the transmit ring");
    }

    /// <summary>tcp_mem counts what the sockets have taken, in whole pages.</summary>
    private void CheckTcpMemory()
    {
        var taken = Taken(_nbd.Socket.Tcp);
        for (var stream = _place.Spec.Processes; stream < _place.Spec.UserTasks; stream++)
        {
            var reader = Actor<TcpReader>(BladeActors.Process(stream)).Inspect;
            taken += Taken(reader.Tcp);
            if (!_simulation.IsLocal(_place.StreamHost))
            {
                continue;
            }

            var peer = _simulation.Actor<StreamSource>(_place.StreamHost, ServerActors.Server).Inspect
                .Sockets[_place.FirstStream + stream - _place.Spec.Processes].Tcp;
            Require(peer.SndUna <= reader.Tcp.RcvNxt && reader.Tcp.RcvNxt <= peer.SndNxt,
                $"stream {stream - _place.Spec.Processes}: sent {peer.SndUna} to {peer.SndNxt}, received {reader.Tcp.RcvNxt}");
        }

        var quota = _memory.Tcp.Quota;
        Require(taken == quota.AllocatedPages * SkbSizes.Page,
            $"the TCP sockets have taken {taken} bytes, tcp_mem counts {quota.AllocatedPages} pages");
        Require(quota.Sockets == (_nbd.Closed ? 0 : 1) + _place.Spec.Readers, $"tcp_mem knows {quota.Sockets} sockets");
    }

    private static long Taken(TcpConnection tcp) => (long)tcp.WmemQueued + tcp.RmemAlloc + tcp.ForwardAlloc;

    private void AddRequest(HashSet<int> waiting, int tag)
    {
        Require(_nbd.Queue[tag].InFlight && waiting.Add(tag), $"request {tag} waits twice, or is free");
    }
}
