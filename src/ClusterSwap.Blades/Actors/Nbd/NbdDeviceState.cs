// State of an NBD device: queue, socket, and the calls of its two tasks.
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using MemoryPack;

namespace ClusterSwap.Blades.Actors;

/// <summary>Innermost call of the NBD sender thread between two sections.</summary>
public enum SenderPhase : byte
{
    /// <summary>Looking for a request.</summary>
    Idle,

    /// <summary>In lock_sock.</summary>
    Lock,

    /// <summary>In the page allocator, inside tcp_sendmsg: it owns the socket.</summary>
    Memory,

    /// <summary>At the end of a copy: pushes and releases the socket.</summary>
    Push,
}

/// <summary>Innermost call of the NBD receiver between two sections.</summary>
public enum ReceiverPhase : byte
{
    /// <summary>Reading a reply's header.</summary>
    Header,

    /// <summary>The reply is for the request that is still being sent.</summary>
    WaitForSend,

    /// <summary>Reading the data of a read.</summary>
    Data,
}

/// <summary>A TCP socket with the memory that lies in it.</summary>
[MemoryPackable]
public sealed partial class NbdSocket
{
    /// <summary>The connection.</summary>
    public TcpConnection Tcp = null!;

    /// <summary>Write queue.</summary>
    public SendQueue SendQueue = null!;

    /// <summary>Receive queue.</summary>
    public ReceiveQueue ReceiveQueue = new();

    /// <summary>What arrived while a task owned the socket.</summary>
    public Backlog Backlog = new();

    /// <summary>What the bytes written mean.</summary>
    public ByteStream Out = new();

    /// <summary>What the bytes received mean.</summary>
    public ByteStream In = new();

    /// <summary>SOCK_MEMALLOC and the like.</summary>
    public SocketFlags Flags;

    /// <summary>sk_allocation.</summary>
    public Gfp Allocation;

    /// <summary>Task that owns the socket (sk_lock.owned), or −1.</summary>
    public int Owner = -1;

    /// <summary>Tasks that sleep in __lock_sock, first come first.</summary>
    public List<int> LockWaiters = [];

    /// <summary>Earliest timer event that is on its way, ns.</summary>
    public long TimerAtNs = long.MaxValue;

    /// <summary>pending_confirm of its route: the peer acknowledged something since the last frame left.</summary>
    public bool ConfirmPending;

    /// <summary>The memalloc key is up for this socket.</summary>
    public bool KeyRaised;
}

/// <summary>Counters of a device and its socket, in the kernel's words where it has them.</summary>
[MemoryPackable]
public sealed partial class NbdCounters
{
    /// <summary>Read requests sent.</summary>
    public long Reads;

    /// <summary>Write requests sent.</summary>
    public long Writes;

    /// <summary>Pages read.</summary>
    public long PagesRead;

    /// <summary>Pages written.</summary>
    public long PagesWritten;

    /// <summary>Requests sent by the NBD thread or the block worker.</summary>
    public long SentByWorker;

    /// <summary>Requests sent by kswapd.</summary>
    public long SentByKswapd;

    /// <summary>Requests sent by processes, in reclaim or for a fault.</summary>
    public long SentByProcesses;

    /// <summary>TCPTimeouts.</summary>
    public long TcpTimeouts;

    /// <summary>TCPFastRetrans and TCPSlowStartRetrans.</summary>
    public long FastRetransmits;

    /// <summary>DelayedACKs.</summary>
    public long DelayedAcks;

    /// <summary>Segments sent again.</summary>
    public long Retransmitted;

    /// <summary>ACK buffers that could not be had.</summary>
    public long AckFailures;

    /// <summary>Waits for send memory: an allocation of tcp_sendmsg failed.</summary>
    public long MemoryWaits;

    /// <summary>Waits for room in the send buffer.</summary>
    public long SpaceWaits;

    /// <summary>PruneCalled: the receive buffer was full and had to be pruned.</summary>
    public long PruneCalled;

    /// <summary>RcvPruned: segments refused because the receive buffer is full.</summary>
    public long ReceivePruned;

    /// <summary>Packets dropped by sk_filter because they came from the reserve (no counter in 3.6).</summary>
    public long FilterDrops;

    /// <summary>Frames that were dropped because their segments could not be built (tx_dropped).</summary>
    public long TxDropped;

    /// <summary>Pure ACKs sent.</summary>
    public long AcksSent;

    /// <summary>Read requests that ended with an error.</summary>
    public long ReadErrors;

    /// <summary>Write requests that ended with an error.</summary>
    public long WriteErrors;
}

/// <summary>What a blk-mq device keeps of a task while it issues what the task plugged.</summary>
[MemoryPackable]
public sealed partial class IssueFrame
{
    /// <summary>The task, while this actor holds its call.</summary>
    public TaskState Task = new();

    /// <summary>The actor to which the task returns.</summary>
    public int ReturnTo;
}

/// <summary>State of an NBD device.</summary>
[MemoryPackable]
public sealed partial class NbdDeviceState
{
    /// <summary>The sender thread; blk-mq: the block worker (kblockd).</summary>
    public TaskState Sender = new();

    /// <summary>The receiver process, or the receive worker.</summary>
    public TaskState Receiver = new();

    /// <summary>Request queue.</summary>
    public RequestQueue Queue = new();

    /// <summary>By task: its plug.</summary>
    public Plug[] Plugs = [];

    /// <summary>waiting_queue: tags of requests to be sent. blk-mq: inserted ones, for the worker.</summary>
    public Fifo<int> Waiting = new();

    /// <summary>The socket.</summary>
    public NbdSocket Socket = new();

    /// <summary>Counters.</summary>
    public NbdCounters Counters = new();

    /// <summary>blk-mq: by task, its frame while it issues; empty in 3.x.</summary>
    public IssueFrame[] Issues = [];

    /// <summary>Task that holds tx_lock, or −1. 3.x: always the sender thread, for whom nobody competes.</summary>
    public int TxOwner = BladeTasks.NbdSender;

    /// <summary>Tasks that wait for tx_lock, the first first.</summary>
    public List<int> TxWaiters = [];

    /// <summary>mq-deadline: what was dispatched last.</summary>
    public DeadlineState Deadline;

    /// <summary>Where the sender stands.</summary>
    public SenderPhase SenderPhase;

    /// <summary>Tag of the request being sent, under tx_lock; −1 when none is.</summary>
    public int Sending = -1;

    /// <summary>Bytes of it that are not copied into the socket yet.</summary>
    public int SendLeft;

    /// <summary>The skb allocation under way.</summary>
    public SkbCall SkbCall;

    /// <summary>An skb allocation is under way.</summary>
    public bool SkbPending;

    /// <summary>The page allocation under way.</summary>
    public AllocCall PageCall;

    /// <summary>A page allocation is under way.</summary>
    public bool PagePending;

    /// <summary>Pages granted and not filled yet.</summary>
    public Fifo<int> GrantedPages = new();

    /// <summary>Where the receiver stands.</summary>
    public ReceiverPhase ReceiverPhase;

    /// <summary>Tag of the request that it is receiving; −1 when none.</summary>
    public int Receiving = -1;

    /// <summary>Bytes of data still to be read.</summary>
    public int ReceiveLeft;

    /// <summary>The reply in hand says that the server could not do it; no data follows.</summary>
    public bool ReceivedError;

    /// <summary>The state of a task whose call this device holds.</summary>
    public TaskState TaskOf(int task) => task switch
    {
        BladeTasks.NbdSender => Sender,
        BladeTasks.NbdReceiver => Receiver,
        _ => Issues[task].Task,
    };

    /// <summary>Async congestion as the blade knows it.</summary>
    public bool CongestedTold;

    /// <summary>The connection is lost: who sends or receives gets an error.</summary>
    public bool Failed;

    /// <summary>It was lost because the server reset it, not because TCP gave up.</summary>
    public bool WasReset;

    /// <summary>When it was lost, ns; −1 while it stands.</summary>
    public long FailedNs = -1;

    /// <summary>nbd-client has closed the socket and is gone: every request fails at once.</summary>
    public bool Closed;

    /// <summary>Numbers of the faults of server and server's cable that are in force, ascending.</summary>
    public List<int> ActiveFaults = [];
}
