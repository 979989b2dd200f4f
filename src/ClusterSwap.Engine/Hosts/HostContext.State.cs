// A host as data: what a checkpoint holds of it.
namespace ClusterSwap.Engine;

/// <summary>What a checkpoint holds of the schedule strategy.</summary>
internal enum ScheduleMemory
{
    /// <summary>That of this simulation's strategy.</summary>
    Same,

    /// <summary>That of another strategy: to be passed over.</summary>
    Foreign,

    /// <summary>Nothing: the run had a strategy that remembers nothing.</summary>
    None,
}

public sealed partial class HostContext
{
    internal PendingEvent[] PendingInOrder() => _heap.InOrder();

    /// <summary>From here on this strategy decides, from its own beginning.</summary>
    internal void Follow(ScheduleStrategy strategy) => _schedule = strategy.ForHost(HostId);

    internal void AssertInvariants()
    {
        for (int i = 0; i < Actors.Length; i++)
        {
            try
            {
                Actors[i].AssertInvariants();
            }
            catch (Exception e)
            {
                SetFault($"invariant of {ActorName(i)}: {e.Message}", e);
            }
        }
    }

    /// <summary>Writes the host. Only at a barrier, where no message is between two actors.</summary>
    internal void Save(StateWriter writer)
    {
        if (_ring.Count != 0 || ReferenceEquals(t_running, this))
        {
            throw new InvalidOperationException($"host {Name} is not at rest, {_ring.Count} messages are under way");
        }

        writer.Int64(NowNs);
        writer.Int64(Messages);
        writer.Int64(Events);
        writer.UInt64(_fingerprint.Low);
        writer.UInt64(_fingerprint.High);
        for (int i = 0; i < _sequences.Length; i++)
        {
            writer.UInt64(_sequences[i]);
            writer.UInt64(_streams[i].State);
        }

        if (_schedule is not null)
        {
            int mark = writer.BeginBlock();
            _schedule.SaveState(writer);
            writer.EndBlock(mark);
        }

        SaveEvents(writer);
        foreach (HostActor actor in Actors)
        {
            int mark = writer.BeginBlock();
            actor.SaveState(writer);
            writer.EndBlock(mark);
        }
    }

    /// <summary>Takes over what <see cref="Save"/> wrote, in place of everything present.</summary>
    internal void Load(ref StateReader reader, ScheduleMemory memory = ScheduleMemory.Same)
    {
        NowNs = reader.Int64();
        Messages = reader.Int64();
        Events = reader.Int64();
        _fingerprint.Low = reader.UInt64();
        _fingerprint.High = reader.UInt64();
        for (int i = 0; i < _sequences.Length; i++)
        {
            _sequences[i] = reader.UInt64();
            _streams[i].State = reader.UInt64();
        }

        LoadSchedule(ref reader, memory);
        LoadEvents(ref reader);
        foreach (HostActor actor in Actors)
        {
            actor.LoadState(reader.Block());
        }

        _fault = null;
        _faultCause = null;
        _message = null;
        _ring.Clear();
    }

    /// <summary>
    /// Writes what can make a difference to what happens later: actors, random streams, and what is pending in its
    /// order. The fingerprint, counters of messages and causes are left out, and so is the schedule.
    /// </summary>
    internal void SaveForHash(StateWriter writer)
    {
        foreach (RandomStream stream in _streams)
        {
            writer.UInt64(stream.State);
        }

        foreach (PendingEvent pending in _heap.InOrder())
        {
            writer.Int64(pending.AtNs);
            writer.UInt64(pending.Source);
            writer.Int64((long)pending.Actor << 16 | pending.Message.Kind);
            _registry.Serialize(writer, pending.Message);
        }

        foreach (HostActor actor in Actors)
        {
            actor.SaveForHash(writer);
        }
    }

    private void LoadSchedule(ref StateReader reader, ScheduleMemory memory)
    {
        if (memory == ScheduleMemory.Same)
        {
            _schedule?.LoadState(reader.Block());
        }
        else if (memory == ScheduleMemory.Foreign)
        {
            reader.Block();
        }
    }

    private void SaveEvents(StateWriter writer)
    {
        PendingEvent[] events = _heap.InOrder();
        writer.Int64(events.Length);
        foreach (ref readonly PendingEvent pending in events.AsSpan())
        {
            writer.Int64(pending.AtNs);
            writer.UInt64(pending.Source);
            writer.UInt64(pending.Sequence);
            writer.Int64(pending.Cause);
            writer.Int64((long)pending.Actor << 16 | pending.Message.Kind);
            int mark = writer.BeginBlock();
            _registry.Serialize(writer, pending.Message);
            writer.EndBlock(mark);
        }
    }

    private void LoadEvents(ref StateReader reader)
    {
        _heap.Clear();
        long count = reader.Int64();
        for (long i = 0; i < count; i++)
        {
            long atNs = reader.Int64();
            ulong source = reader.UInt64();
            ulong sequence = reader.UInt64();
            long cause = reader.Int64();
            long actorAndKind = reader.Int64();
            SimMessage message = _registry.Deserialize((ushort)actorAndKind, reader.Block());

            // The draw is a function of the seed, the source and the time: there is nothing of it to store.
            ulong draw = Mixing.Of(_seed, source, (ulong)atNs);
            _heap.Push(atNs, draw, source, sequence, (int)(actorAndKind >> 16), message, cause);
        }
    }
}
