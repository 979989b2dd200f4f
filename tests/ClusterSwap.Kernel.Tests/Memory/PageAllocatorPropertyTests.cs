// Any sequence of requests and frees: the invariants hold, and a restored allocator goes on like the original.
using ClusterSwap.Kernel.Memory;
using CsCheck;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Memory;

public class PageAllocatorPropertyTests
{
    [Fact]
    public void Any_sequence_of_requests_and_frees_keeps_the_invariants() =>
        Gen.Select(Gen.Int[0, 99], Gen.Int[0, 5], Gen.Int[0, 4], Gen.Int[0, 1_000_000]).Array[0, 400].Sample(steps =>
        {
            var memory = Run(steps);
            memory.AssertInvariants();
        }, iter: 60);

    [Fact]
    public void A_restored_allocator_goes_on_as_the_original_would()
    {
        Gen.Select(
            Gen.Select(Gen.Int[0, 99], Gen.Int[0, 5], Gen.Int[0, 4], Gen.Int[0, 1_000_000]).Array[0, 200],
            Gen.Select(Gen.Int[0, 99], Gen.Int[0, 5], Gen.Int[0, 4], Gen.Int[0, 1_000_000]).Array[0, 200])
            .Sample((first, second) =>
            {
                var original = Run(first);
                var saved = MemoryPackSerializer.Serialize(original);
                var restored = MemoryPackSerializer.Deserialize<PageAllocator>(saved)!;
                restored.Attach(new VmStat());
                restored.AssertInvariants();
                Run(second, original);
                Run(second, restored);
                Assert.Equal(MemoryPackSerializer.Serialize(original), MemoryPackSerializer.Serialize(restored));
            }, iter: 20);
    }

    // Small zones (DMA and 16 MiB of DMA32), so that lists run empty and every kind of outcome is met.
    private static PageAllocator Run((int What, int Order, int Kind, int Draw)[] steps, PageAllocator? memory = null)
    {
        memory ??= new PageAllocator(ZoneLayout.DmaDma32, 32 * Machine.MiB, null, 2, PatchSet.All);
        Gfp[] kinds =
        [
            Gfp.HighUserMovable, Gfp.Atomic, Gfp.Kernel | Gfp.Reclaimable, Gfp.NoIo, Gfp.Atomic | Gfp.MemAlloc,
        ];
        var held = new List<(int Page, int Order)>();
        foreach (var (what, order, kind, draw) in steps)
        {
            if (what < 55)
            {
                // One in five takes the largest blocks.
                var wanted = what < 10 ? 10 : order;
                var call = Machine.Request(kinds[kind], order: wanted, cpu: draw & 1);
                if (memory.Continue(ref call) == AllocOutcome.Granted)
                {
                    held.Add((call.Page, wanted));
                }
                else if (call.Outcome == AllocOutcome.NeedsReclaim)
                {
                    call.Reclaimed = draw & 3;
                    memory.Continue(ref call);
                    if (call.Outcome == AllocOutcome.Granted)
                    {
                        held.Add((call.Page, wanted));
                    }
                }
            }
            else if (what < 98 && held.Count > 0)
            {
                var i = draw % held.Count;
                memory.Free(held[i].Page, held[i].Order, draw & 1, cold: (draw & 2) != 0);
                held.RemoveAt(i);
            }
            else if (what == 98)
            {
                memory.DrainPerCpu();
            }
        }

        return memory;
    }
}
