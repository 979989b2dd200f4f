// The whole run as data: written at a barrier, read into a simulation of the same topology.
using ZstdSharp;

namespace ClusterSwap.Engine;

public sealed partial class Simulation
{
    private const int CompressionLevel = 1;

    private Fingerprint? _topology;

    /// <summary>Writes the run, at a barrier or between runs, compressed with zstd at its fastest.</summary>
    public void Checkpoint(Stream stream) => Checkpoint(stream, compress: true);

    /// <summary>Writes the run, at a barrier or between runs.</summary>
    public void Checkpoint(Stream stream, bool compress)
    {
        using Compressor? compressor = compress ? new Compressor(CompressionLevel) : null;
        var writer = new StateWriter();
        CheckpointFile.WriteHeader(stream);
        WriteTopology(writer);
        writer.Int64(TimeNs);
        CheckpointFile.WriteSection(stream, writer.Written, compressor: null);
        foreach (HostContext host in Hosts)
        {
            writer.Clear();
            host.Save(writer);
            CheckpointFile.WriteSection(stream, writer.Written, compressor);
        }
    }

    /// <summary>
    /// Takes over a run that a simulation of the same seed, registry, strategy, hosts, actors and edges wrote, here
    /// or in another process; of another strategy if <paramref name="anyStrategy"/> allows it. When it throws, this
    /// simulation is of no use any more.
    /// </summary>
    public void Restore(Stream stream, bool anyStrategy = false)
    {
        if (_running)
        {
            throw new InvalidOperationException("a running simulation cannot be restored");
        }

        _failed = true;
        CheckpointFile.ReadHeader(stream);
        using var decompressor = new Decompressor();
        var head = new StateReader(CheckpointFile.ReadSection(stream, decompressor));
        ScheduleMemory memory = CheckTopology(ref head, anyStrategy);
        TimeNs = head.Int64();
        foreach (HostContext host in Hosts)
        {
            var reader = new StateReader(CheckpointFile.ReadSection(stream, decompressor));
            host.Load(ref reader, memory);
            if (!reader.AtEnd)
            {
                throw new InvalidDataException($"host {host.Name} has bytes left over in the checkpoint");
            }
        }

        Restored();
    }

    /// <summary>
    /// Takes over the newest checkpoint of a series. The simulation has the same seed, registry, hosts, actors and
    /// edges; the order among messages of one instant may be another one if <paramref name="anyStrategy"/> allows it,
    /// and is a fresh one then. What the actors were built with, other than their states, is this simulation's own: so
    /// a run is forked. When it throws, this simulation is of no use any more.
    /// </summary>
    public void Restore(CheckpointAssembly checkpoint, bool anyStrategy = false)
    {
        if (_running)
        {
            throw new InvalidOperationException("a running simulation cannot be restored");
        }

        _failed = true;
        checkpoint.Load(this, anyStrategy);
        TimeNs = checkpoint.TimeNs;
        Restored();
    }

    private void Restored()
    {
        lock (_escapeGate)
        {
            _escapes.Clear();
            _escaped = false;
        }

        _failed = false;
    }

    /// <summary>Reads what a checkpoint says of its simulation; throws unless it is one like this.</summary>
    internal ScheduleMemory CheckTopology(ref StateReader head, bool anyStrategy)
    {
        var found = new Fingerprint { Low = head.UInt64(), High = head.UInt64() };
        Fingerprint wanted = TopologyDigest();
        if (found != wanted)
        {
            throw new InvalidDataException(
                $"the checkpoint is of another simulation: topology {found}, this one has {wanted}");
        }

        bool same = head.UInt64() == TextDigest.Of(Strategy.Describe());
        bool remembers = head.Int64() != 0;
        if (!anyStrategy && !same)
        {
            throw new InvalidDataException(
                $"the checkpoint is of another simulation: one under another schedule than {Strategy.Describe()}");
        }

        return same ? ScheduleMemory.Same : remembers ? ScheduleMemory.Foreign : ScheduleMemory.None;
    }

    /// <summary>Writes what <see cref="CheckTopology"/> reads.</summary>
    internal void WriteTopology(StateWriter writer)
    {
        Fingerprint topology = TopologyDigest();
        writer.UInt64(topology.Low);
        writer.UInt64(topology.High);
        writer.UInt64(TextDigest.Of(Strategy.Describe()));
        writer.Int64(Array.Exists(Hosts, host => host.Chooses) ? 1 : 0);
    }

    /// <summary>Hash of all that must be equal for a checkpoint to fit.</summary>
    private Fingerprint TopologyDigest()
    {
        if (_topology is { } known)
        {
            return known;
        }

        Fingerprint digest = Registry.Digest();
        digest.Add(Seed, (ulong)BarrierIntervalNs);
        digest.Add((ulong)Hosts.Length);
        foreach (HostContext host in Hosts)
        {
            digest.Add(TextDigest.Of(host.Name), (ulong)host.ActorCount);
            foreach (ActorSpec spec in host.Specs)
            {
                digest.Add(TextDigest.Of(spec.Name));
            }

            EdgeTable edges = _edges[host.HostId];
            digest.Add((ulong)edges.Count);
            for (int i = 0; i < edges.Count; i++)
            {
                digest.Add((ulong)edges.TargetAt(i), (ulong)edges.LatencyAt(i));
            }
        }

        _topology = digest;
        return digest;
    }
}
