// The states of one blade's actors, found once: what is looked at at barriers.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Runs;

/// <summary>
/// Reads the actors of a blade, and its connection at the server. The actors are looked up once and live as long as
/// their simulation; a restore puts another state into the same actor, so states are asked for anew each time. Looking
/// changes nothing.
/// </summary>
public sealed class BladeStates
{
    private readonly Blade _blade;
    private readonly Kswapd[] _kswapds;
    private readonly Softirq _softirq;
    private readonly NbdDevice _device;
    private readonly DirectReclaimer _workerReclaimer;
    private readonly NbdServer _server;
    private readonly Arp? _arp;
    private readonly Arp? _serverArp;
    private readonly Process[] _processes;
    private readonly IFaultingTask[] _userTasks;
    private readonly DirectReclaimer[] _reclaimers;

    /// <summary>The actors of the blade at <paramref name="place"/>.</summary>
    public BladeStates(Simulation simulation, BladePlace place)
    {
        Place = place;
        _blade = simulation.Actor<Blade>(place.Host, BladeActors.Blade);
        _kswapds = new Kswapd[place.Spec.Nodes];
        for (var node = 0; node < _kswapds.Length; node++)
        {
            _kswapds[node] = simulation.Actor<Kswapd>(place.Host, BladeActors.KswapdOf(place.Group, node));
        }

        _softirq = simulation.Actor<Softirq>(place.Host, BladeActors.Softirq);
        _device = simulation.Actor<NbdDevice>(place.Host, BladeActors.NbdDevice);
        _workerReclaimer = simulation.Actor<DirectReclaimer>(place.Host, BladeActors.SenderReclaimer);
        _server = simulation.Actor<NbdServer>(place.Server, ServerActors.Server);
        if (place.Group.Nic.Arp)
        {
            _arp = simulation.Actor<Arp>(place.Host, BladeActors.Arp(place.Group));
            _serverArp = simulation.Actor<Arp>(place.Server, ServerActors.Arp);
        }

        _processes = new Process[place.Spec.Processes];
        _userTasks = new IFaultingTask[place.Spec.UserTasks];
        _reclaimers = new DirectReclaimer[place.Spec.UserTasks];
        for (var task = 0; task < _userTasks.Length; task++)
        {
            _userTasks[task] = (IFaultingTask)simulation.Actor<HostActor>(place.Host, BladeActors.Process(task));
            _reclaimers[task] = simulation.Actor<DirectReclaimer>(place.Host, BladeActors.ReclaimerOf(task));
        }

        Array.Copy(_userTasks, _processes, _processes.Length);
    }

    /// <summary>Which blade.</summary>
    public BladePlace Place { get; }

    /// <summary>How many processes of the workload.</summary>
    public int Processes => _processes.Length;

    /// <summary>How many tasks with pages of their own: the processes, then the readers of streams.</summary>
    public int UserTasks => _userTasks.Length;

    /// <summary>Memory and CPUs.</summary>
    public BladeState Blade => _blade.Inspect;

    /// <summary>Its memory.</summary>
    public MachineMemory Memory => _blade.Inspect.Memory;

    /// <summary>kswapd of a node.</summary>
    public KswapdState KswapdOf(int node) => _kswapds[node].Inspect;

    /// <summary>Receive side of the NIC.</summary>
    public SoftirqState Softirq => _softirq.Inspect;

    /// <summary>NBD device with sender, receiver and socket.</summary>
    public NbdDeviceState Device => _device.Inspect;

    /// <summary>The reclaim frame of whoever sends.</summary>
    public ReclaimerState SenderReclaimer => Device.TxOwner >= BladeTasks.FirstProcess
        ? Reclaimer(Device.TxOwner - BladeTasks.FirstProcess)
        : _workerReclaimer.Inspect;

    /// <summary>The server's end of the connection.</summary>
    public ServerClient Client => _server.Inspect.Clients[Place.Connection];

    /// <summary>The blade's neighbour table; null where addresses are known for good.</summary>
    public ArpState? Neighbours => _arp?.Inspect;

    /// <summary>
    /// Blade and server know each other's address, or ask for it while frames leave all the same. Else frames wait.
    /// </summary>
    public bool AddressesAreKnown => Knows(_arp, Place.Server) && Knows(_serverArp, Place.Host);

    private static bool Knows(Arp? table, int host) =>
        table is null || Array.Find(table.Inspect.Entries, entry => entry.Host == host)?.Neighbour?.IsValid != false;

    /// <summary>A process.</summary>
    public ProcessState Process(int process) => _processes[process].Inspect;

    /// <summary>A process, or a reader of a stream: its place in its program and its faults.</summary>
    public FaultingState UserTask(int task) => _userTasks[task].Faults;

    /// <summary>A reader of a stream with its socket.</summary>
    public TcpReaderState Reader(int stream) => (TcpReaderState)UserTask(Processes + stream);

    /// <summary>How many streams to ordinary sockets.</summary>
    public int Streams => UserTasks - Processes;

    /// <summary>The reclaim frame of a process or reader.</summary>
    public ReclaimerState Reclaimer(int process) => _reclaimers[process].Inspect;

    /// <summary>The innermost call of a process is its reclaim.</summary>
    public bool Reclaims(int process) =>
        Blade.RunActor[BladeTasks.Process(process)] == BladeActors.ReclaimerOf(process);

    /// <summary>What the innermost call of a process waits for.</summary>
    public TaskState Innermost(int process) => Blade.RunActor[BladeTasks.Process(process)] switch
    {
        BladeActors.NbdDevice => Device.TaskOf(BladeTasks.Process(process)),
        _ => Reclaims(process) ? Reclaimer(process).Task : UserTask(process).Task,
    };

    /// <summary>A process sends a request, or waits to: its innermost calls are the device's.</summary>
    public bool Sends(int process) => Device.TxOwner == BladeTasks.Process(process)
        || Innermost(process).Wait == WaitKind.TxLock;

    /// <summary>How many processes were killed because a page of theirs could not be read.</summary>
    public int Killed()
    {
        var killed = 0;
        foreach (var process in _processes)
        {
            killed += process.Inspect.KilledNs >= 0 ? 1 : 0;
        }

        return killed;
    }

    /// <summary>How many processes have not ended.</summary>
    public int Unfinished()
    {
        var unfinished = 0;
        foreach (var process in _processes)
        {
            unfinished += process.Inspect.EndedNs < 0 ? 1 : 0;
        }

        return unfinished;
    }
}
