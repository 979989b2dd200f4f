// A blade: its memory, its tasks, kswapd and the processes of the workload.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Net;
using ClusterSwap.Kernel.Slab;
using ClusterSwap.Kernel.Swap;

namespace ClusterSwap.Blades;

public static partial class ClusterBuilder
{
    // The processes of the workload are forked one after another by their shell, about 100 us each; how long a fork
    // takes varies, and so runs of different seeds differ from the start.
    private const long ForkNs = 100_000;

    private static MachineSpec SpecOf(BladeGroup group, ulong seed, int host) => new()
    {
        RamPages = group.RamPages,
        Zones = (ZoneLayout)group.ZoneLayout,
        MinFreeKbytes = group.MinFreeKbytes,
        Cpus = group.Cpus,
        Nodes = group.Nodes,
        Mempolicy = group.Mempolicy,
        Slab = (SlabKind)group.Slab,
        Rules = group.Rules,
        Hz = group.Hz,
        Costs = group.Costs,
        Processes = group.Processes,
        Readers = group.Background.Tcp.Streams,
        PagesPerProcess = (int)(group.MappingPages / group.Processes),
        SwapPages = (int)group.SwapPages,
        SwapStart = 1 + (int)(Mix(seed, (ulong)host) % (ulong)(group.SwapPages - 1)),
        KernelPages = (int)group.KernelResidentPages,
        PageCachePages = (int)group.PageCachePages,
        WarmObjects = group.WarmObjects,
    };

    // The random initial position of the swap allocator on a non-rotational device (sys_swapon): splitmix64.
    private static ulong Mix(ulong seed, ulong host)
    {
        var z = seed + (host + 1) * 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static void AddBlade(HostBuilder host, BladePlace place)
    {
        var group = place.Group;
        var processes = group.Processes;
        var runActors = RunActors(group);
        var weights = new int[runActors.Length];
        Array.Fill(weights, CpuModel.NiceZeroWeight);
        weights[BladeTasks.NbdSender] = CpuModel.NiceMinus20Weight;
        if (BlockRules.ReceiverIsWorker(group.Rules))
        {
            weights[BladeTasks.NbdReceiver] = CpuModel.NiceMinus20Weight;
        }

        Blade? blade = null;
        var kswapds = Enumerable.Range(0, group.Nodes).Select(node => BladeActors.KswapdOf(group, node)).ToArray();
        host.AddActor("blade", (h, i) => blade = new Blade(h, i, place.Spec, runActors, weights, kswapds));
        host.AddActor("kswapd", (h, i) => new Kswapd(h, i, group.Costs.WakeupNs, IssuerOf(group)));

        // tcp_memory_allocated is one counter of the machine, which its sockets charge directly.
        Func<TcpMemory> tcpMemory = () => blade!.TcpMemory;
        AddNetwork(host, place, tcpMemory);
        for (var process = 0; process < processes; process++)
        {
            AddProcess(host, place, process);
        }

        AddStreamReaders(host, place, tcpMemory);
        AddBystanders(host, group);
        AddTap(host, group);
        AddArp(host, place);
        AddOtherKswapd(host, group);
        host.Post(0, BladeActors.Softirq, new StartTask());
        host.Post(0, BladeActors.NbdDevice, new StartTask());
        host.Post(0, BladeActors.Kswapd, new StartTask());
        for (var cpu = 0; cpu < group.Cpus && group.Slab == ScenarioSlab.Slab; cpu++)
        {
            host.Post(KernelTimes.SlabReapNs + cpu * KernelTimes.TickStaggerNs, BladeActors.Blade, new SlabReap(cpu));
        }
    }

    /// <summary>kswapd of the second node.</summary>
    private static void AddOtherKswapd(HostBuilder host, BladeGroup group)
    {
        if (group.Nodes > 1)
        {
            var task = BladeTasks.KswapdOf(group, 1);
            host.AddActor("kswapd1", (h, i) => new Kswapd(h, i, group.Costs.WakeupNs, IssuerOf(group), task, node: 1));
            host.Post(0, BladeActors.KswapdOf(group, 1), new StartTask());
        }
    }

    /// <summary>By task: the actor that holds its outermost call.</summary>
    private static int[] RunActors(BladeGroup group)
    {
        var processes = group.UserTasks;
        var readers = group.Background.Bystanders - group.Background.StalledReaders;
        var tapReader = BladeTasks.TapReader(group);
        var runActors = new int[BladeTasks.FirstReader(processes) + readers + (tapReader < 0 ? 0 : 1) + group.Nodes - 1];
        for (var node = 0; node < group.Nodes; node++)
        {
            runActors[BladeTasks.KswapdOf(group, node)] = BladeActors.KswapdOf(group, node);
        }

        runActors[BladeTasks.NbdSender] = BladeActors.NbdDevice;
        runActors[BladeTasks.NbdReceiver] = BladeActors.NbdDevice;
        for (var process = 0; process < processes; process++)
        {
            runActors[BladeTasks.Process(process)] = BladeActors.Process(process);
        }

        Array.Fill(runActors, BladeActors.Bystanders(processes), BladeTasks.FirstReader(processes), readers);
        if (tapReader >= 0)
        {
            runActors[tapReader] = BladeActors.Tap(group);
        }

        return runActors;
    }

    private static void AddProcess(HostBuilder host, BladePlace place, int process)
    {
        var group = place.Group;
        var task = BladeTasks.Process(process);
        host.AddActor($"process-{process}", (h, i) => new Process(
            h,
            i,
            process,
            new Workload(1, place.Spec.PagesPerProcess, group.Passes + (group.Access == AccessMode.Read ? 1 : 0), KindOf(group)),
            group.Costs,
            IssuerOf(group),
            PolicyOf(group)));
        AddReclaimer(host, group, $"reclaim-{process}", task);
        var delayNs = (long)(Mix(place.Seed, ((ulong)place.Host << 20) + (ulong)process + 1) % (ulong)ForkNs);
        host.Post((process + 1) * ForkNs + delayNs, BladeActors.Process(process), new StartTask());
    }

    // The shell that starts the workload and nbd-client runs under numactl; they inherit its policy.
    private static TaskFlags PolicyOf(BladeGroup group) =>
        group.Mempolicy.Mode == MempolicyMode.Default ? TaskFlags.None : TaskFlags.MemPolicy;

    private static PassKind KindOf(BladeGroup group) =>
        group.Access == AccessMode.Write ? PassKind.Write : PassKind.ReadAfterFill;
}
