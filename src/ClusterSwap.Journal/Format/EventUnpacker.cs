// Reads the columns of a block of events.
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Journal;

/// <summary>Reads what <see cref="EventPacker"/> wrote. One for any number of blocks; it keeps its tables.</summary>
internal sealed class EventUnpacker
{
    private const int ColumnCount = 7;
    private const int BarrierColumn = 5;

    private struct HostState
    {
        public int Id;
        public long MessageNs;
        public long Number;
        public long DecisionNs;
        public long DecisionNumber;
    }

    private readonly Dictionary<int, long> _lastCause = [];
    private HostState[] _hosts = [];
    private (int Local, int Actor, ushort Kind)[] _codes = new (int, int, ushort)[256];
    private int _codeCount;

    /// <summary>Tells a visitor what a payload holds. Throws <see cref="InvalidDataException"/> on nonsense.</summary>
    public void Visit(ReadOnlySpan<byte> payload, in BlockHead head, int[] ownHosts, JournalVisitor visitor)
    {
        var reader = new ColumnReader(payload);
        int hosts = reader.Index(payload.Length + 1L);
        Span<int> lengths = stackalloc int[ColumnCount];
        foreach (ref int length in lengths)
        {
            length = reader.Index(payload.Length + 1L);
        }

        ReadHosts(new ColumnReader(reader.Take(lengths[0])), hosts);
        var codes = new ColumnReader(reader.Take(lengths[1]));
        var times = new ColumnReader(reader.Take(lengths[2]));
        var causes = new ColumnReader(reader.Take(lengths[3]));
        var decisions = new ColumnReader(reader.Take(lengths[4]));
        var barriers = new ColumnReader(reader.Take(lengths[5]));
        var checks = new ColumnReader(reader.Take(lengths[6]));
        _codeCount = 0;
        _lastCause.Clear();

        int message = 0;
        int decision = 0;
        int decisionAt = decision < head.Decisions ? decisions.Index(head.Messages + 1L) : int.MaxValue;
        for (int barrier = 0; barrier <= head.Barriers; barrier++)
        {
            bool isEnd = barrier == head.Barriers;
            long timeNs = isEnd ? 0 : head.FirstNs + (long)barriers.Number();
            int messagesBefore = isEnd ? head.Messages : barriers.Index(head.Messages + 1L);
            int decisionsBefore = isEnd ? head.Decisions : barriers.Index(head.Decisions + 1L);
            while (message < messagesBefore || decision < decisionsBefore)
            {
                if (decision < decisionsBefore && decisionAt <= message)
                {
                    ReadDecision(ref decisions, visitor);
                    decision++;
                    decisionAt += decision < head.Decisions ? decisions.Index(head.Messages + 1L) : 0;
                }
                else if (message < messagesBefore)
                {
                    ReadMessage(ref codes, ref times, ref causes, ref checks, visitor);
                    message++;
                }
                else
                {
                    throw new InvalidDataException("a decision after its barrier");
                }
            }

            if (!isEnd)
            {
                ReadBarrier(ref barriers, timeNs, ownHosts, visitor);
            }
        }

        bool allRead = codes.AtEnd && times.AtEnd && causes.AtEnd && checks.AtEnd && decisions.AtEnd && barriers.AtEnd;
        if (!allRead || !reader.AtEnd)
        {
            throw new InvalidDataException("columns are longer than what they hold");
        }
    }

    /// <summary>The barriers of a payload alone: the rest is not looked at.</summary>
    public static void VisitBarriers(
        ReadOnlySpan<byte> payload, in BlockHead head, int[] ownHosts, JournalVisitor visitor)
    {
        var reader = new ColumnReader(payload);
        reader.Number();
        int before = 0;
        int length = 0;
        for (int i = 0; i < ColumnCount; i++)
        {
            int one = reader.Index(payload.Length + 1L);
            before += i < BarrierColumn ? one : 0;
            length = i == BarrierColumn ? one : length;
        }

        reader.Take(before);
        var barriers = new ColumnReader(reader.Take(length));
        for (int i = 0; i < head.Barriers; i++)
        {
            long timeNs = head.FirstNs + (long)barriers.Number();
            barriers.Number();
            barriers.Number();
            ReadBarrier(ref barriers, timeNs, ownHosts, visitor);
        }
    }

    private void ReadHosts(ColumnReader column, int count)
    {
        if (_hosts.Length < count)
        {
            _hosts = new HostState[count];
        }

        for (int i = 0; i < count; i++)
        {
            int id = column.Index(int.MaxValue);
            long timeNs = (long)column.Number();
            long number = (long)column.Number();
            _hosts[i] = new HostState
            {
                Id = id,
                MessageNs = timeNs,
                Number = number,
                DecisionNs = timeNs,
                DecisionNumber = number,
            };
        }
    }

    private void ReadMessage(
        ref ColumnReader codes, ref ColumnReader times, ref ColumnReader causes, ref ColumnReader checks,
        JournalVisitor visitor)
    {
        int code = codes.Index(_codeCount + 1L);
        if (code == _codeCount)
        {
            if (_codeCount == _codes.Length)
            {
                Array.Resize(ref _codes, _codeCount * 2);
            }

            _codes[_codeCount++] = (codes.Index(_hosts.Length), codes.Index(int.MaxValue), (ushort)codes.Index(65_536));
        }

        (int local, int actor, ushort kind) = _codes[code];
        ref HostState host = ref _hosts[local];
        host.MessageNs += (long)times.Number();
        host.Number++;
        int causeHost = host.Id;
        long cause = 0;
        ulong word = causes.Number();
        if ((word & 1) == 0)
        {
            cause = host.Number - (long)(word >> 1);
        }
        else if (word == EventPacker.FromOtherHost)
        {
            causeHost = causes.Index(int.MaxValue);
            cause = _lastCause.GetValueOrDefault(causeHost) + causes.Signed();
            _lastCause[causeHost] = cause;
        }
        else if (word != EventPacker.FromOutside)
        {
            throw new InvalidDataException($"no cause is written as {word}");
        }

        visitor.Message(new RecordedMessage(
            host.MessageNs, host.Id, host.Number, actor, kind, causeHost, cause, checks.UInt16()));
    }

    private void ReadDecision(ref ColumnReader column, JournalVisitor visitor)
    {
        ref HostState host = ref _hosts[column.Index(_hosts.Length)];
        host.DecisionNs += (long)column.Number();
        host.DecisionNumber += (long)column.Number();
        var which = (TraceEvent)column.Byte();
        int cpu = column.Index(1L << 31);
        var record = new TraceRecord
        {
            TimeNs = host.DecisionNs,
            Event = which,
            Softirq = (cpu & 1) != 0,
            Cpu = (cpu >> 1) - 1,
            Task = (int)column.Signed(),
        };
        int mask = column.Byte();
        record.A = (mask & 1) != 0 ? column.Signed() : 0;
        record.B = (mask & 2) != 0 ? column.Signed() : 0;
        record.C = (mask & 4) != 0 ? column.Signed() : 0;
        record.D = (mask & 8) != 0 ? column.Signed() : 0;
        record.E = (mask & 16) != 0 ? column.Signed() : 0;
        record.F = (mask & 32) != 0 ? column.Signed() : 0;
        visitor.Decision(new RecordedDecision(host.Id, host.DecisionNumber, record));
    }

    private static void ReadBarrier(ref ColumnReader column, long timeNs, int[] hosts, JournalVisitor visitor)
    {
        foreach (int host in hosts)
        {
            long messages = (long)column.Number();
            ulong low = column.UInt64();
            visitor.Digest(new RecordedDigest(timeNs, host, messages, new UInt128(column.UInt64(), low)));
        }
    }
}
