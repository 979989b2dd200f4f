// The run in memory: for going back to a moment many times.
using System.IO.Hashing;

namespace ClusterSwap.Engine;

/// <summary>
/// The states of all hosts at a barrier, as a checkpoint has them but for its outside: only simulations of the same
/// build, topology and seed in this process read it. It does not change, so several threads may restore it.
/// </summary>
public sealed class Snapshot
{
    private readonly byte[][] _hosts;

    internal Snapshot(long timeNs, ReadOnlySpan<byte> head, byte[][] hosts)
    {
        TimeNs = timeNs;
        Head = head.ToArray();
        _hosts = hosts;
    }

    /// <summary>Virtual time of the barrier, ns.</summary>
    public long TimeNs { get; }

    /// <summary>Bytes that it holds.</summary>
    public long Length => _hosts.Sum(host => (long)host.Length);

    internal byte[] Head { get; }

    /// <summary>The state of a host.</summary>
    internal ReadOnlySpan<byte> Host(int id) => _hosts[id];
}

public sealed partial class Simulation
{
    private readonly StateWriter _snapshotWriter = new();

    /// <summary>Takes a snapshot, at a barrier or between runs. All hosts must be in this process.</summary>
    public Snapshot TakeSnapshot()
    {
        if (LocalHosts.Length != Hosts.Length)
        {
            throw new InvalidOperationException($"{Hosts.Length - LocalHosts.Length} of {Hosts.Length} hosts live elsewhere");
        }

        _snapshotWriter.Clear();
        WriteTopology(_snapshotWriter);
        byte[] head = _snapshotWriter.Written.ToArray();
        byte[][] hosts = new byte[Hosts.Length][];
        for (int i = 0; i < hosts.Length; i++)
        {
            _snapshotWriter.Clear();
            Hosts[i].Save(_snapshotWriter);
            hosts[i] = _snapshotWriter.Written.ToArray();
        }

        return new Snapshot(TimeNs, head, hosts);
    }

    /// <summary>
    /// A hash of where the simulation stands, at a barrier or between runs: equal for states, at the same virtual time,
    /// from which the same can happen. How they were reached is not in it.
    /// </summary>
    public UInt128 StateHash()
    {
        _snapshotWriter.Clear();
        _snapshotWriter.Int64(TimeNs);
        foreach (HostContext host in Hosts)
        {
            host.SaveForHash(_snapshotWriter);
        }

        return XxHash128.HashToUInt128(_snapshotWriter.Written);
    }

    /// <summary>
    /// Goes to where a snapshot was taken, in this simulation or in another of the same seed and topology. From there on
    /// <paramref name="follow"/> decides, from its own beginning; without one the snapshot must have been taken under
    /// this simulation's strategy, which goes on as it stood. When it throws, this simulation is of no use any more.
    /// </summary>
    public void Restore(Snapshot snapshot, ScheduleStrategy? follow = null)
    {
        if (_running)
        {
            throw new InvalidOperationException("a running simulation cannot be restored");
        }

        _failed = true;
        if (follow is not null)
        {
            Follow(follow);
        }

        var head = new StateReader(snapshot.Head);
        ScheduleMemory memory = CheckTopology(ref head, anyStrategy: follow is not null);
        if (follow is not null && memory == ScheduleMemory.Same && Array.Exists(Hosts, host => host.Chooses))
        {
            memory = ScheduleMemory.Foreign;
        }

        TimeNs = snapshot.TimeNs;
        foreach (HostContext host in Hosts)
        {
            var reader = new StateReader(snapshot.Host(host.HostId));
            host.Load(ref reader, memory);
        }

        Restored();
    }
}
