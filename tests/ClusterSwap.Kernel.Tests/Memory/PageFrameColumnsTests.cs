// Page frames and stamps as checkpoints have them.
using System.Runtime.InteropServices;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Swap;
using CsCheck;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Memory;

public sealed class PageFrameColumnsTests
{
    [Fact]
    public void Any_frames_are_read_back_as_they_were()
    {
        // Also frames that no machine has: links that point anywhere, several to one page.
        Gen.Select(Gen.UInt.Array[6 * 64], Gen.Int[0, 64]).Sample((words, count) =>
        {
            for (var i = 0; i < words.Length; i += 6)
            {
                words[i] = words[i] % 3 == 0 ? words[i] : words[i] % 64;
            }

            var frames = MemoryMarshal.Cast<uint, PageFrame>(words)[..count].ToArray();
            var read = Columns.Read(Columns.Write(frames));
            Assert.Equal(MemoryMarshal.AsBytes(frames).ToArray(), MemoryMarshal.AsBytes(read).ToArray());
        });
    }

    [Fact]
    public void Of_pages_in_a_list_previous_and_stamp_are_the_same_word_everywhere()
    {
        var frames = new PageFrame[100];
        for (var i = 0; i < frames.Length; i++)
        {
            // Every seventh page: 0, 7, 14 ... and around.
            frames[i * 7 % 100] = new PageFrame
            {
                Next = i == 99 ? PageFrame.None : (i + 1) * 7 % 100,
                Prev = i == 0 ? PageFrame.None : (i - 1) * 7 % 100,
                Mapping = 5_000 + i * i,
                Stamp = Stamps.Of(5_000 + i * i, 3),
            };
        }

        var words = MemoryMarshal.Cast<byte, uint>(Columns.Write(frames).AsSpan()[^(frames.Length * 24)..]);
        Assert.Equal(new uint[100], words.Slice(100, 100).ToArray());
        Assert.Single(words.Slice(400, 100).ToArray().Distinct());
    }

    [Fact]
    public void Stamps_of_pages_that_follow_one_another_follow_one_another_when_unmixed()
    {
        var first = Stamps.Unmix(Stamps.Of(10, 4));
        Assert.All(Enumerable.Range(0, 50), i => Assert.Equal(first + (uint)i, Stamps.Unmix(Stamps.Of(10 + i, 4))));
    }

    [Fact]
    public void Any_stamps_are_read_back_as_they_were()
        => Gen.UInt.Array[0, 70].Sample(stamps =>
        {
            var export = new Export { Stamps = stamps };
            Assert.Equal(stamps, MemoryPackSerializer.Deserialize<Export>(MemoryPackSerializer.Serialize(export))!.Stamps);
        });
}

/// <summary>Frames as a field of a state.</summary>
[MemoryPackable]
public sealed partial class Columns
{
    [PageFrameColumns]
    public PageFrame[]? Frames;

    public static byte[] Write(PageFrame[] frames) => MemoryPackSerializer.Serialize(new Columns { Frames = frames });

    public static PageFrame[] Read(byte[] bytes) => MemoryPackSerializer.Deserialize<Columns>(bytes)!.Frames!;
}

/// <summary>Stamps as a field of a state.</summary>
[MemoryPackable]
public sealed partial class Export
{
    [StampArray]
    public uint[]? Stamps;
}
