using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;
using static ClusterSwap.Kernel.Tests.Slab.SlabCalls;

namespace ClusterSwap.Kernel.Tests.Slab;

/// <summary>Asking whether there is an object says what an allocation would find, and changes nothing.</summary>
public class HasObjectTests
{
    private const int Cpus = 3;
    private readonly FakePages _pages = new();
    private readonly VmStat _stat = new();

    // Goal: no ordinary request gets a page, so it is served exactly when there is an object for it. Entitled ones fill
    // the cache with slabs of the reserve, plentiful times with others.
    [Theory]
    [InlineData("all")]
    [InlineData("all - 2")]
    [InlineData("none")]
    public void Without_pages_SLUB_serves_exactly_the_requests_that_it_has_an_object_for(string patches)
    {
        Assert.True(PatchSet.TryParse(patches, out var set, out _));
        var cache = new SlubCache("test", 256, 0, Cpus, set);
        cache.Attach(_pages, _stat);
        var (served, refused) = Exercise(cache, (has, granted) => Assert.Equal(has, granted));
        Assert.True(served > 100 && refused > 20, $"{served} served, {refused} refused");
        cache.AssertInvariants();
    }

    [Fact]
    public void SLAB_never_serves_a_request_without_a_page_that_it_has_no_object_for()
    {
        var cache = new SlabCache("test", 256, 0, Cpus);
        cache.Attach(_pages, _stat, new SlabReserve(PatchSet.All) { MemallocSocketExists = true });
        var (served, refused) = Exercise(cache, (has, granted) => Assert.True(has || !granted));
        Assert.True(served > 100 && refused > 20, $"{served} served, {refused} refused");
        cache.AssertInvariants();
    }

    private (int Served, int Refused) Exercise(ISlabCache cache, Action<bool, bool> check)
    {
        var random = new Random(7);
        var held = new List<int>();
        var (served, refused) = (0, 0);
        for (var step = 0; step < 4_000; step++)
        {
            _pages.Low = step / 100 % 4 != 0;
            var cpu = random.Next(Cpus);
            if (held.Count > 0 && random.Next(100) < 48)
            {
                var at = random.Next(held.Count);
                cache.Free(held[at], cpu);
                held.RemoveAt(at);
                continue;
            }

            var call = Call(random.Next(3) == 0 ? Entitled : Ordinary, cpu);
            var has = cache.HasObjectFor(in call);
            var granted = cache.Alloc(ref call) == AllocOutcome.Granted;
            if (granted)
            {
                held.Add(call.Slab);
            }

            if (_pages.Low && call.Gfp == Ordinary)
            {
                check(has, granted);
                served += granted ? 1 : 0;
                refused += granted ? 0 : 1;
            }
        }

        return (served, refused);
    }
}
