// Packs messages, decisions and barriers of a partition into the columns of a block.
using System.Runtime.CompilerServices;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Journal;

/// <summary>
/// The block that a partition is filling. Times and numbers are written as differences within the host, so that most
/// fields take one byte; a block stands for itself, so differences begin anew in each. The layout is in
/// docs/journal-format.md.
/// </summary>
internal sealed class EventPacker
{
    /// <summary>
    /// Causes on the own host are written as their distance, doubled; these odd words say something else.
    /// </summary>
    internal const ulong FromOutside = 1;

    /// <summary>The cause is on another host, which follows.</summary>
    internal const ulong FromOtherHost = 3;

    private const int HeadBytes = 64;

    // Shorter payloads get arrays of their own length, which the runtime gets back cheaply.
    private const int SmallBytes = 64 * 1024;
    private const int FirstCapacity = 16 * 1024;

    // A message takes at most a few numbers; so much is left free for it.
    private const int Slack = 128;

    private struct HostState
    {
        public int Block;
        public int Local;
        public long MessageNs;
        public long DecisionNs;
        public long DecisionNumber;
    }

    private readonly int _blockBytes;
    private readonly HostState[] _hosts;
    private readonly int[] _causeBlock;
    private readonly long[] _lastCause;
    private readonly CodeTable _codeTable = new();
    private readonly ByteColumn _hostColumn = new(256);
    private readonly ByteColumn _codes = new(FirstCapacity);
    private readonly ByteColumn _times = new(FirstCapacity);
    private readonly ByteColumn _causes = new(FirstCapacity);
    private readonly ByteColumn _checks = new(FirstCapacity);
    private readonly ByteColumn _decisions = new(FirstCapacity);
    private readonly ByteColumn _barriers = new(256);
    private int _block = 1;
    private int _hostsInBlock;
    private int _decisionsBefore;

    /// <summary>Any host of the run may be a cause.</summary>
    /// <param name="hosts">Hosts of the run.</param>
    /// <param name="blockBytes">Payload of a block, at most, unless one item alone is larger.</param>
    public EventPacker(int hosts, int blockBytes)
    {
        _blockBytes = blockBytes;
        _hosts = new HostState[hosts];
        _causeBlock = new int[hosts];
        _lastCause = new long[hosts];
    }

    /// <summary>Length of the array of a full block: its columns, and the lengths before them.</summary>
    public int ArrayBytes => _blockBytes + HeadBytes;

    public int Messages { get; private set; }

    public int Decisions { get; private set; }

    public int Barriers { get; private set; }

    public long FirstNs { get; private set; }

    public long LastNs { get; private set; }

    /// <summary>Bytes at the end of the payload that cannot be compressed: pieces of fingerprints.</summary>
    public int TailBytes => _checks.Length;

    public bool IsEmpty => Messages + Decisions + Barriers == 0;

    private int Length => _codes.Length + _times.Length + _causes.Length + _checks.Length
        + _decisions.Length + _barriers.Length + _hostColumn.Length;

    /// <summary>Whether the next item belongs into the next block.</summary>
    public bool IsFull => Length >= _blockBytes - Slack;

    /// <summary>Adds a message.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(int hostId, in Delivery delivery)
    {
        ref HostState host = ref _hosts[hostId];
        if (host.Block != _block)
        {
            Begin(ref host, hostId, delivery.TimeNs, delivery.Number - 1);
        }

        ushort kind = delivery.Message.Kind;
        ulong key = (ulong)(uint)host.Local << 40 | (ulong)(uint)delivery.Actor << 16 | kind;
        int code = _codeTable.CodeOf(key, out bool isNew);
        _codes.Number((uint)code);
        if (isNew)
        {
            _codes.Number((uint)host.Local);
            _codes.Number((uint)delivery.Actor);
            _codes.Number(kind);
        }

        _times.Number((ulong)(delivery.TimeNs - host.MessageNs));
        host.MessageNs = delivery.TimeNs;
        if (delivery.CauseHost == hostId)
        {
            _causes.Number(delivery.Cause == 0 ? FromOutside : (ulong)(delivery.Number - delivery.Cause) << 1);
        }
        else
        {
            AddForeignCause(delivery.CauseHost, delivery.Cause);
        }

        _checks.UInt16((ushort)delivery.Digest);
        Messages++;
        Stamp(delivery.TimeNs);
    }

    /// <summary>Adds a decision, made during a delivery of the host.</summary>
    public void Add(int hostId, long number, in TraceRecord record)
    {
        ref HostState host = ref _hosts[hostId];
        if (host.Block != _block)
        {
            Begin(ref host, hostId, record.TimeNs, number);
        }

        _decisions.Number((uint)(Messages - _decisionsBefore));
        _decisionsBefore = Messages;
        _decisions.Number((uint)host.Local);
        _decisions.Number((ulong)(record.TimeNs - host.DecisionNs));
        _decisions.Number((ulong)(number - host.DecisionNumber));
        host.DecisionNs = record.TimeNs;
        host.DecisionNumber = number;
        _decisions.Byte((byte)record.Event);
        _decisions.Number((ulong)(uint)(record.Cpu + 1) << 1 | (record.Softirq ? 1u : 0));
        _decisions.Signed(record.Task);
        AddValues(in record);
        Decisions++;
        Stamp(record.TimeNs);
    }

    /// <summary>Adds a barrier: every host of the partition with its count of messages and its fingerprint.</summary>
    public void AddBarrier(long timeNs, ReadOnlySpan<HostContext> hosts)
    {
        if (IsEmpty)
        {
            FirstNs = timeNs;
        }

        _barriers.Number((ulong)(timeNs - FirstNs));
        _barriers.Number((uint)Messages);
        _barriers.Number((uint)Decisions);
        foreach (HostContext host in hosts)
        {
            _barriers.Number((ulong)host.Messages);
            _barriers.UInt64(host.Fingerprint.Low);
            _barriers.UInt64(host.Fingerprint.High);
        }

        Barriers++;
        LastNs = Math.Max(LastNs, timeNs);
    }

    /// <summary>
    /// Writes the block's payload and begins the next. One that is not small stands in an array of
    /// <see cref="ArrayBytes"/>, with room behind it, which may go back to the buffers.
    /// </summary>
    public ReadOnlyMemory<byte> Take(RowBuffers buffers)
    {
        ByteColumn[] columns = [_hostColumn, _codes, _times, _causes, _decisions, _barriers, _checks];
        var head = new ByteColumn(HeadBytes);
        head.Number((uint)_hostsInBlock);
        foreach (ByteColumn column in columns)
        {
            head.Number((uint)column.Length);
        }

        int length = head.Length + Length;
        byte[] payload = length > SmallBytes && length <= ArrayBytes ? buffers.Take(ArrayBytes) : new byte[length];
        head.Written.CopyTo(payload);
        int at = head.Length;
        foreach (ByteColumn column in columns)
        {
            column.Written.CopyTo(payload.AsSpan(at));
            at += column.Length;
            column.Clear();
        }

        Messages = Decisions = Barriers = _hostsInBlock = _decisionsBefore = 0;
        FirstNs = LastNs = 0;
        _codeTable.Clear();
        _block++;
        return payload.AsMemory(0, length);
    }

    private void Begin(ref HostState host, int hostId, long timeNs, long number)
    {
        host = new HostState
        {
            Block = _block,
            Local = _hostsInBlock++,
            MessageNs = timeNs,
            DecisionNs = timeNs,
            DecisionNumber = number,
        };
        _hostColumn.Number((uint)hostId);
        _hostColumn.Number((ulong)timeNs);
        _hostColumn.Number((ulong)number);
    }

    private void AddForeignCause(int causeHost, long cause)
    {
        _causes.Number(FromOtherHost);
        _causes.Number((uint)causeHost);
        long last = _causeBlock[causeHost] == _block ? _lastCause[causeHost] : 0;
        _causes.Signed(cause - last);
        _causeBlock[causeHost] = _block;
        _lastCause[causeHost] = cause;
    }

    private void AddValues(in TraceRecord record)
    {
        int mask = (record.A != 0 ? 1 : 0) | (record.B != 0 ? 2 : 0) | (record.C != 0 ? 4 : 0)
            | (record.D != 0 ? 8 : 0) | (record.E != 0 ? 16 : 0) | (record.F != 0 ? 32 : 0);
        _decisions.Byte((byte)mask);
        AddValue(record.A);
        AddValue(record.B);
        AddValue(record.C);
        AddValue(record.D);
        AddValue(record.E);
        AddValue(record.F);
    }

    private void AddValue(long value)
    {
        if (value != 0)
        {
            _decisions.Signed(value);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Stamp(long timeNs)
    {
        if (Messages + Decisions + Barriers == 1)
        {
            FirstNs = timeNs;
            LastNs = timeNs;
            return;
        }

        FirstNs = Math.Min(FirstNs, timeNs);
        LastNs = Math.Max(LastNs, timeNs);
    }
}
