// An NBD server: one thread per client, its export in memory as one content stamp per page.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Swap;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>What a server's thread does for its client.</summary>
public enum ServerPhase : byte
{
    /// <summary>Waits for a request.</summary>
    Reading,

    /// <summary>Serves one: reads or writes its export.</summary>
    Serving,

    /// <summary>Writes the reply, and waits for room in the send buffer.</summary>
    Replying,
}

/// <summary>A client of the server.</summary>
[MemoryPackable]
public sealed partial class ServerClient : PeerSocket
{
    /// <summary>Content of the export, one stamp a page.</summary>
    [StampArray]
    public uint[] Export = [];

    /// <summary>What the thread does.</summary>
    public ServerPhase Phase;

    /// <summary>Handle of the request in hand.</summary>
    public ulong Handle;

    /// <summary>It is a write.</summary>
    public bool Write;

    /// <summary>First page of the request.</summary>
    public int FirstPage;

    /// <summary>Pages of the request.</summary>
    public int Pages;

    /// <summary>Header read; for a write the data is still to come.</summary>
    public bool HasHeader;

    /// <summary>Bytes of a write that have not come yet.</summary>
    public int DataLeft;

    /// <summary>Bytes of the reply that are not in the send buffer yet.</summary>
    public int ReplyLeft;

    /// <summary>Requests served.</summary>
    public long Requests;

    /// <summary>The work is done, but the thread stands still.</summary>
    public bool ServedInStall;

    /// <summary>The request in hand is answered with this error number and not done; 0 = it is done.</summary>
    public uint Error;

    /// <summary>The process that had this connection is dead, or gave it up.</summary>
    public bool Gone;

    /// <summary>Requests answered with an error.</summary>
    public long Errors;
}

/// <summary>State of a server.</summary>
[MemoryPackable]
public sealed partial class NbdServerState
{
    /// <summary>Clients by connection.</summary>
    public ServerClient[] Clients = [];

    /// <summary>Numbers of the faults in force, ascending.</summary>
    public List<int> ActiveFaults = [];
}

/// <summary>Service times of a server, ns for a request of so many bytes.</summary>
public interface IServiceTimes
{
    /// <summary>Time to read.</summary>
    long ReadNs(int bytes);

    /// <summary>Time to write.</summary>
    long WriteNs(int bytes);
}

/// <summary>
/// nbd-server with one thread for each client, which takes the next request when the reply of the last is in the send
/// buffer: a client that does not read stops its own thread. The server has memory enough: its TCP never lacks buffers.
/// </summary>
public sealed partial class NbdServer : HostActor<NbdServerState>
{
    private readonly IServiceTimes _times;
    private readonly PeerTcp _peer;
    private readonly int _output;
    private readonly ServiceDone[] _done;
    private readonly FaultTimes _faults;
    private TcpEffects _fx;

    /// <summary>A server with an export of <paramref name="exportPages"/>[i] pages for client i on host
    /// <paramref name="clientHosts"/>[i]; the scenario has <paramref name="faults"/> on it.</summary>
    public NbdServer(
        HostContext host, int index, IServiceTimes times, TcpParameters tcp, int[] clientHosts, int[] exportPages,
        int output = ServerActors.Uplink, IReadOnlyList<NumberedFault>? faults = null)
        : base(host, index, new NbdServerState
        {
            Clients = clientHosts.Select((client, i) => new ServerClient
            {
                Host = client,
                Tcp = new TcpConnection(tcp),
                Export = new uint[exportPages[i]],
            }).ToArray(),
        })
    {
        _times = times;
        _output = output;
        _peer = new PeerTcp(host, index, output);
        _faults = new FaultTimes(host, index, faults ?? []);
        _done = Enumerable.Range(0, clientHosts.Length).Select(i => new ServiceDone(i)).ToArray();
    }

    /// <inheritdoc/>
    public override void AssertInvariants()
    {
        foreach (var client in State.Clients)
        {
            client.Tcp.AssertInvariants();
        }
    }

    /// <inheritdoc/>
    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case Frame { Protocol: FrameProtocol.Arp } frame:
                Host.Send(ServerActors.Arp, frame);
                break;
            case Frame frame:
                OnFrame(frame);
                break;
            case ServiceDone done:
                OnServed(done.Connection, State.Clients[done.Connection]);
                break;
            case TxCleaned cleaned:
                var sender = State.Clients[cleaned.Connection];
                if (sender.Tcp.OnTransmitted(cleaned.Bytes))
                {
                    _fx.Clear();
                    After(cleaned.Connection, sender);
                }

                break;
            case FaultBegins begins:
                OnFaultBegins(begins);
                break;
            case FaultEnds ends:
                OnFaultEnds(ends);
                break;
            case TcpTimer timer:
                _fx.Clear();
                if (_peer.OnTimer(timer, State.Clients[timer.Connection], ref _fx))
                {
                    After(timer.Connection, State.Clients[timer.Connection]);
                }

                break;
            default:
                throw new InvalidOperationException($"nbd server does not know {message.GetType().Name}");
        }
    }

    private void OnFrame(Frame frame)
    {
        var client = State.Clients[frame.Connection];
        var segment = frame.Segment;
        if (client.Gone)
        {
            AnswerWithReset(frame.Connection, client);
            return;
        }

        foreach (var record in frame.Records)
        {
            if (record.Offset >= segment.Seq && record.Offset < segment.End)
            {
                client.In.Store(record);
            }
        }

        _fx.Clear();
        client.Tcp.OnSegment(segment, Host.NowNs, ref _fx);
        After(frame.Connection, client);
        Advance(frame.Connection, client);
    }

    /// <summary>The thread goes on as far as it can.</summary>
    private void Advance(int connection, ServerClient client)
    {
        while (!IsStalled)
        {
            if (client.Phase == ServerPhase.Replying && !WriteReply(connection, client))
            {
                return;
            }

            if (client.Phase != ServerPhase.Reading || !TryReadRequest(connection, client))
            {
                return;
            }

            var bytes = client.Pages * BlockRequest.PageBytes;
            client.Phase = ServerPhase.Serving;
            var ns = (client.Write ? _times.WriteNs(bytes) : _times.ReadNs(bytes)) + AddedDelayNs(client.Write);
            Host.Schedule(Host.NowNs + Math.Max(ns, 1), Index, _done[connection]);
            return;
        }
    }

    private bool TryReadRequest(int connection, ServerClient client)
    {
        if (!client.HasHeader)
        {
            if (client.Tcp.Readable < NbdWire.RequestBytes)
            {
                return false;
            }

            ReadHeader(connection, client);
        }

        if (client.DataLeft > 0)
        {
            // A write's data is read as it comes: the receive buffer is smaller than the largest request.
            var bytes = Math.Min(client.Tcp.Readable, client.DataLeft);
            Read(connection, client, bytes);
            client.DataLeft -= bytes;
            if (client.DataLeft > 0)
            {
                return false;
            }

            var stamps = TakeRecord(client).Stamps ?? [];
            if (client.Error == 0)
            {
                stamps.CopyTo(client.Export, client.FirstPage);
            }
        }

        client.HasHeader = false;
        return true;
    }

    private void ReadHeader(int connection, ServerClient client)
    {
        Read(connection, client, NbdWire.RequestBytes);
        var record = TakeRecord(client);
        var error = NbdWire.ReadRequest(record.Bytes, out var request);
        if (error != NbdWireError.None)
        {
            throw new InvalidOperationException($"nbd server: {NbdWire.Describe(error, record.Bytes)}");
        }

        client.Handle = request.Handle;
        client.Write = request.Command == NbdCommand.Write;
        client.FirstPage = (int)(request.Offset / BlockRequest.PageBytes);
        client.Pages = (int)(request.Length / BlockRequest.PageBytes);
        client.DataLeft = client.Write ? client.Pages * BlockRequest.PageBytes : 0;
        client.HasHeader = true;
        client.Error = DrawError(client.Write);
        if (client.FirstPage + client.Pages > client.Export.Length)
        {
            throw new InvalidOperationException(
                $"nbd server: pages {client.FirstPage} to {client.FirstPage + client.Pages} of {client.Export.Length}");
        }
    }

    private void OnServed(int connection, ServerClient client)
    {
        if (IsStalled && !client.Gone)
        {
            client.ServedInStall = true;
            return;
        }

        if (client.Gone)
        {
            return;
        }

        client.Requests++;
        client.Errors += client.Error == 0 ? 0 : 1;
        var header = new byte[NbdWire.ReplyBytes];
        NbdWire.WriteReply(header, new NbdReplyHeader(client.Error, client.Handle));
        client.Out.Write(header);
        client.ReplyLeft = header.Length;
        if (!client.Write && client.Error == 0)
        {
            var bytes = client.Pages * BlockRequest.PageBytes;
            client.Out.Write(client.Export.AsSpan(client.FirstPage, client.Pages).ToArray(), bytes);
            client.ReplyLeft += bytes;
        }

        client.Phase = ServerPhase.Replying;
        Advance(connection, client);
    }

    /// <summary>Writes as much of the reply as the send buffer takes. True when all of it is written.</summary>
    private bool WriteReply(int connection, ServerClient client)
    {
        while (client.ReplyLeft > 0 && client.Tcp.MemoryFree)
        {
            var bytes = Math.Min(client.ReplyLeft, BlockRequest.PageBytes);
            client.Tcp.Append(bytes, bytes);
            client.ReplyLeft -= bytes;
        }

        if (client.ReplyLeft > 0)
        {
            client.Tcp.NoSpace = true;
        }
        else
        {
            client.Phase = ServerPhase.Reading;
        }

        _peer.TransmitAll(connection, client, push: true);
        return client.ReplyLeft == 0;
    }

    private void Read(int connection, ServerClient client, int bytes)
    {
        _fx.Clear();
        client.Tcp.Read(bytes, 0, Host.NowNs, ref _fx);
        After(connection, client);
    }

    private static StreamRecord TakeRecord(ServerClient client) => client.In.TryRead(client.Tcp.RcvNxt, out var record)
        ? record
        : throw new InvalidOperationException($"nbd server: no meaning known of the bytes before {client.Tcp.CopiedSeq}");

    private void After(int connection, ServerClient client)
    {
        if (_fx.Failed)
        {
            // Its thread gets ETIMEDOUT, and closes.
            Drop(client);
            return;
        }

        if (_peer.After(connection, client, ref _fx) && client.Phase == ServerPhase.Replying && client.Tcp.MemoryFree)
        {
            Advance(connection, client);
        }
    }
}
