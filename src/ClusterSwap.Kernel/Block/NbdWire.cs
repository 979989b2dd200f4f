// The NBD protocol on the wire: 28-byte requests, 16-byte replies, big endian.
using System.Buffers.Binary;

namespace ClusterSwap.Kernel.Block;

/// <summary>Commands of 3.6 (<c>include/linux/nbd.h</c>); FLUSH and TRIM came later.</summary>
public enum NbdCommand : uint
{
    /// <summary>The reply carries the data.</summary>
    Read = 0,

    /// <summary>The data follows the request.</summary>
    Write = 1,

    /// <summary>The client goes; there is no reply.</summary>
    Disconnect = 2,
}

/// <summary>
/// Why bytes are no NBD message. In the driver everything but <see cref="None"/> ends the connection.
/// </summary>
public enum NbdWireError : byte
{
    /// <summary>The message is well-formed.</summary>
    None,

    /// <summary>Fewer bytes than a message has.</summary>
    TooShort,

    /// <summary>The first four bytes are not the magic: the streams have lost step.</summary>
    BadMagic,

    /// <summary>A command that 3.6 does not know.</summary>
    UnknownCommand,
}

/// <summary>Header of a request.</summary>
/// <param name="Command">What to do.</param>
/// <param name="Handle">Comes back in the reply; opaque to the server.</param>
/// <param name="Offset">Place on the device, bytes.</param>
/// <param name="Length">Length of the data, bytes.</param>
public readonly record struct NbdRequestHeader(NbdCommand Command, ulong Handle, ulong Offset, uint Length);

/// <summary>Header of a reply.</summary>
/// <param name="Error">0, or an error number; fails this request only.</param>
/// <param name="Handle">The request's handle.</param>
public readonly record struct NbdReplyHeader(uint Error, ulong Handle);

/// <summary>Encodes and decodes headers. Bytes behind a header are not looked at.</summary>
public static class NbdWire
{
    /// <summary>NBD_REQUEST_MAGIC.</summary>
    public const uint RequestMagic = 0x25609513;

    /// <summary>NBD_REPLY_MAGIC.</summary>
    public const uint ReplyMagic = 0x67446698;

    /// <summary>Error number of a reply: EIO.</summary>
    public const uint IoError = 5;

    /// <summary>Bytes of a request header.</summary>
    public const int RequestBytes = 28;

    /// <summary>Bytes of a reply header.</summary>
    public const int ReplyBytes = 16;

    /// <summary>Writes a request header into the first 28 bytes of <paramref name="into"/>.</summary>
    public static void WriteRequest(Span<byte> into, in NbdRequestHeader request)
    {
        BinaryPrimitives.WriteUInt32BigEndian(into[..4], RequestMagic);
        BinaryPrimitives.WriteUInt32BigEndian(into[4..8], (uint)request.Command);
        BinaryPrimitives.WriteUInt64BigEndian(into[8..16], request.Handle);
        BinaryPrimitives.WriteUInt64BigEndian(into[16..24], request.Offset);
        BinaryPrimitives.WriteUInt32BigEndian(into[24..28], request.Length);
    }

    /// <summary>Reads a request header. After an error <paramref name="request"/> means nothing.</summary>
    public static NbdWireError ReadRequest(ReadOnlySpan<byte> from, out NbdRequestHeader request)
    {
        request = default;
        if (from.Length < RequestBytes)
        {
            return NbdWireError.TooShort;
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(from) != RequestMagic)
        {
            return NbdWireError.BadMagic;
        }

        var command = BinaryPrimitives.ReadUInt32BigEndian(from[4..]);
        if (command > (uint)NbdCommand.Disconnect)
        {
            return NbdWireError.UnknownCommand;
        }

        request = new NbdRequestHeader(
            (NbdCommand)command,
            BinaryPrimitives.ReadUInt64BigEndian(from[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(from[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(from[24..]));
        return NbdWireError.None;
    }

    /// <summary>Writes a reply header into the first 16 bytes of <paramref name="into"/>.</summary>
    public static void WriteReply(Span<byte> into, in NbdReplyHeader reply)
    {
        BinaryPrimitives.WriteUInt32BigEndian(into[..4], ReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(into[4..8], reply.Error);
        BinaryPrimitives.WriteUInt64BigEndian(into[8..16], reply.Handle);
    }

    /// <summary>Reads a reply header. After an error <paramref name="reply"/> means nothing.</summary>
    public static NbdWireError ReadReply(ReadOnlySpan<byte> from, out NbdReplyHeader reply)
    {
        reply = default;
        if (from.Length < ReplyBytes)
        {
            return NbdWireError.TooShort;
        }

        if (BinaryPrimitives.ReadUInt32BigEndian(from) != ReplyMagic)
        {
            return NbdWireError.BadMagic;
        }

        reply = new NbdReplyHeader(
            BinaryPrimitives.ReadUInt32BigEndian(from[4..]), BinaryPrimitives.ReadUInt64BigEndian(from[8..]));
        return NbdWireError.None;
    }

    /// <summary>Says in words what is wrong with the bytes.</summary>
    public static string Describe(NbdWireError error, ReadOnlySpan<byte> from) => error switch
    {
        NbdWireError.None => "well-formed",
        NbdWireError.TooShort => $"{from.Length} bytes are too few for an NBD header",
        NbdWireError.BadMagic => $"bad NBD magic 0x{BinaryPrimitives.ReadUInt32BigEndian(from):x8}",
        _ => $"unknown NBD command {BinaryPrimitives.ReadUInt32BigEndian(from[4..])}",
    };
}
