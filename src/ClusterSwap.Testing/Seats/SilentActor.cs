// The actor behind a probe that stands where no real actor was.
using System.Buffers;
using ClusterSwap.Engine;

namespace ClusterSwap.Testing;

/// <summary>Has an address and nothing else: its messages go to the probe that stands in for it.</summary>
internal sealed class SilentActor(HostContext host, int index) : HostActor(host, index)
{
    public override void SaveState(IBufferWriter<byte> writer)
    {
    }

    public override void LoadState(ReadOnlySpan<byte> data)
    {
    }

    protected override void Receive(SimMessage message) =>
        throw new InvalidOperationException($"{message.GetType().Name} came past the probe that stands here");
}
