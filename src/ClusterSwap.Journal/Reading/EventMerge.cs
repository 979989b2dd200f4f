// From the order of partitions to that of time.
using System.Runtime.InteropServices;

namespace ClusterSwap.Journal;

/// <summary>
/// Merges the streams of an epoch. Between two barriers a stream holds its events in the order in which its partition
/// ran its hosts; so the events between two barriers are collected and sorted, and memory is that of one such stretch.
/// </summary>
internal sealed class EventMerge
{
    private readonly record struct Key(long TimeNs, int Host, long Number, int Place) : IComparable<Key>
    {
        public int CompareTo(Key other)
        {
            int order = TimeNs.CompareTo(other.TimeNs);
            order = order != 0 ? order : Host.CompareTo(other.Host);
            order = order != 0 ? order : Number.CompareTo(other.Number);

            // Messages have places from 0 up, and decisions from -1 down: a message comes before what it caused.
            order = order != 0 ? order : (Place < 0).CompareTo(other.Place < 0);
            return order != 0 ? order : Place < 0 ? other.Place.CompareTo(Place) : Place.CompareTo(other.Place);
        }
    }

    private readonly EpochStreams _epoch;
    private readonly EventFilter _filter;
    private readonly List<RecordedMessage> _messages = [];
    private readonly List<RecordedDecision> _decisions = [];
    private readonly List<Key> _keys = [];

    public EventMerge(EpochStreams epoch, EventFilter filter)
    {
        _epoch = epoch;
        _filter = filter;
    }

    public IEnumerable<RecordedEvent> InOrder()
    {
        Cursor[] cursors = [.. _epoch.Streams.Select(stream => new Cursor(this, stream))];
        JournalDamageException? damage = null;
        while (true)
        {
            foreach (Cursor cursor in cursors)
            {
                damage ??= cursor.Fill();
            }

            long endNs = cursors.Min(cursor => cursor.EndNs);
            Collect(cursors.Where(cursor => cursor.EndNs == endNs || cursor.IsAtEnd));
            foreach (Key key in _keys)
            {
                yield return key.Place >= 0
                    ? new RecordedEvent(_messages[key.Place])
                    : new RecordedEvent(_decisions[~key.Place]);
            }

            if (damage is not null)
            {
                throw damage;
            }

            if (endNs == long.MaxValue)
            {
                yield break;
            }
        }
    }

    private void Collect(IEnumerable<Cursor> cursors)
    {
        _messages.Clear();
        _decisions.Clear();
        _keys.Clear();
        foreach (Cursor cursor in cursors)
        {
            cursor.MoveTo(_messages, _decisions);
        }

        for (int i = 0; i < _messages.Count; i++)
        {
            RecordedMessage message = _messages[i];
            _keys.Add(new Key(message.TimeNs, message.Host, message.Number, i));
        }

        for (int i = 0; i < _decisions.Count; i++)
        {
            RecordedDecision decision = _decisions[i];
            _keys.Add(new Key(decision.Record.TimeNs, decision.Host, decision.Number, ~i));
        }

        _keys.Sort();
    }

    /// <summary>A stream, read up to its next barrier.</summary>
    private sealed class Cursor(EventMerge merge, BlockStream stream) : JournalVisitor
    {
        private readonly EventUnpacker _unpacker = new();
        private readonly Queue<(long EndNs, int Messages, int Decisions)> _stretches = new();
        private readonly List<RecordedMessage> _messages = [];
        private readonly List<RecordedDecision> _decisions = [];
        private int _block;
        private int _messagesTaken;
        private int _decisionsTaken;
        private long _lastBarrierNs = -1;

        /// <summary>Whether nothing is left to read: what is here is later than the stream's last barrier.</summary>
        public bool IsAtEnd => _stretches.Count == 0 && _block >= stream.EventBlocks;

        /// <summary>The barrier up to which everything is here; <see cref="long.MaxValue"/> at the end.</summary>
        public long EndNs => _stretches.TryPeek(out var stretch) ? stretch.EndNs : long.MaxValue;

        /// <summary>Reads on until a barrier is in, or the end. Gives back the damage that it came to.</summary>
        public JournalDamageException? Fill()
        {
            while (_stretches.Count == 0 && _block < stream.EventBlocks)
            {
                BlockEntry block = stream.Blocks[_block++];
                bool isWanted = block.Head.Kind == BlockKind.Events
                    && block.Head.LastNs >= merge._filter.FromNs && block.Head.FirstNs <= merge._filter.ToNs;
                if (!isWanted)
                {
                    continue;
                }

                try
                {
                    merge._epoch.Visit(stream, in block, _unpacker, this);
                }
                catch (JournalDamageException damage)
                {
                    _block = stream.EventBlocks;
                    return damage;
                }
            }

            return null;
        }

        /// <summary>Gives away what lies before the next barrier.</summary>
        public void MoveTo(List<RecordedMessage> messages, List<RecordedDecision> decisions)
        {
            (_, int messageEnd, int decisionEnd) = _stretches.Count > 0
                ? _stretches.Dequeue()
                : (0, _messages.Count, _decisions.Count);
            messages.AddRange(CollectionsMarshal.AsSpan(_messages)[_messagesTaken..messageEnd]);
            decisions.AddRange(CollectionsMarshal.AsSpan(_decisions)[_decisionsTaken..decisionEnd]);
            _messagesTaken = messageEnd;
            _decisionsTaken = decisionEnd;
            if (_stretches.Count == 0)
            {
                _messages.RemoveRange(0, _messagesTaken);
                _decisions.RemoveRange(0, _decisionsTaken);
                _messagesTaken = _decisionsTaken = 0;
            }
        }

        public override void Message(in RecordedMessage message)
        {
            if (message.TimeNs < merge._epoch.UntilNs && merge._filter.Wants(in message))
            {
                _messages.Add(message);
            }
        }

        public override void Decision(in RecordedDecision decision)
        {
            if (decision.Record.TimeNs < merge._epoch.UntilNs && merge._filter.Wants(in decision))
            {
                _decisions.Add(decision);
            }
        }

        public override void Digest(in RecordedDigest digest)
        {
            // All hosts of a barrier come one after another.
            if (_stretches.Count == 0 || _lastBarrierNs != digest.TimeNs)
            {
                _lastBarrierNs = digest.TimeNs;
                _stretches.Enqueue((digest.TimeNs, _messages.Count, _decisions.Count));
            }
        }
    }
}
