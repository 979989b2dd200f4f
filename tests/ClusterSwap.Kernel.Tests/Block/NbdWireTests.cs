using ClusterSwap.Kernel.Block;

namespace ClusterSwap.Kernel.Tests.Block;

public class NbdWireTests
{
    [Fact]
    public void A_request_has_28_bytes_in_network_order()
    {
        var bytes = new byte[NbdWire.RequestBytes];
        NbdWire.WriteRequest(
            bytes, new NbdRequestHeader(NbdCommand.Write, 0x0102030405060708, 0x1000, 126_976));
        Assert.Equal(
            "25609513" + "00000001" + "0102030405060708" + "0000000000001000" + "0001F000", Convert.ToHexString(bytes));
        Assert.Equal(NbdWireError.None, NbdWire.ReadRequest(bytes, out var request));
        Assert.Equal(new NbdRequestHeader(NbdCommand.Write, 0x0102030405060708, 0x1000, 126_976), request);
    }

    [Fact]
    public void A_reply_has_16_bytes_in_network_order()
    {
        var bytes = new byte[NbdWire.ReplyBytes];
        NbdWire.WriteReply(bytes, new NbdReplyHeader(5, 0xa1));
        Assert.Equal("67446698" + "00000005" + "00000000000000A1", Convert.ToHexString(bytes));
        Assert.Equal(NbdWireError.None, NbdWire.ReadReply(bytes, out var reply));
        Assert.Equal(new NbdReplyHeader(5, 0xa1), reply);
    }

    [Fact]
    public void A_bad_magic_is_told()
    {
        var bytes = new byte[NbdWire.RequestBytes];
        NbdWire.WriteReply(bytes, new NbdReplyHeader(0, 1));
        Assert.Equal(NbdWireError.BadMagic, NbdWire.ReadRequest(bytes, out _));
        Assert.Equal("bad NBD magic 0x67446698", NbdWire.Describe(NbdWireError.BadMagic, bytes));
        NbdWire.WriteRequest(bytes, default);
        Assert.Equal(NbdWireError.BadMagic, NbdWire.ReadReply(bytes, out _));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public void Flush_and_trim_are_unknown_in_3_6(byte command)
    {
        var bytes = new byte[NbdWire.RequestBytes];
        NbdWire.WriteRequest(bytes, default);
        bytes[7] = command;
        Assert.Equal(NbdWireError.UnknownCommand, NbdWire.ReadRequest(bytes, out _));
        Assert.Equal($"unknown NBD command {command}", NbdWire.Describe(NbdWireError.UnknownCommand, bytes));
    }

    [Fact]
    public void A_part_of_a_header_is_too_short()
    {
        Assert.Equal(NbdWireError.TooShort, NbdWire.ReadRequest(new byte[27], out _));
        Assert.Equal(NbdWireError.TooShort, NbdWire.ReadReply(new byte[15], out _));
        Assert.Equal(
            "15 bytes are too few for an NBD header", NbdWire.Describe(NbdWireError.TooShort, new byte[15]));
    }
}
