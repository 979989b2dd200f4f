// Free pages over time: what is kept of them.
using ClusterSwap.Kernel;
using MemoryPack;

namespace ClusterSwap.Kernel.Tests.Memory;

public class FreePagesSeriesTests
{
    private const long Ms = FreePagesSeries.FirstIntervalNs;

    [Fact]
    public void Each_interval_keeps_its_fewest_and_its_last()
    {
        var series = new FreePagesSeries(1_000);
        foreach (var (ns, free) in new[] { (0L, 900L), (Ms - 1, 950), (Ms, 700), (Ms + 1, 600), (2 * Ms - 1, 650) })
        {
            series.Note(ns, free, ns);
        }

        Assert.Equal(
            [new FreePagesSample(Ms, 900, 950), new FreePagesSample(2 * Ms - 1, 600, 650)], series.Until(2 * Ms - 1));
    }

    [Fact]
    public void An_interval_without_allocations_keeps_the_value_before_it()
    {
        var series = new FreePagesSeries(1_000);
        series.Note(0, 800, 0);
        series.Note(3 * Ms, 500, 3 * Ms);
        Assert.Equal(
            [new(Ms, 800, 800), new(2 * Ms, 800, 800), new(3 * Ms, 800, 800), new FreePagesSample(4 * Ms, 500, 500)],
            series.Until(4 * Ms));
    }

    [Fact]
    public void A_stall_is_one_interval_until_something_moves()
    {
        var series = new FreePagesSeries(1_000);
        series.Note(0, 800, 0);
        for (var ns = 0L; ns <= 60_000 * Ms; ns += 10 * Ms)
        {
            series.Note(ns, 300, 0);
        }

        var hung = series.Until(60_000 * Ms);
        Assert.InRange(hung.Count, 900, FreePagesSeries.Capacity);
        Assert.Equal(new FreePagesSample(60_000 * Ms, 300, 300), hung[^1]);
        Assert.InRange(hung[^2].EndNs, 900 * Ms, 1_000 * Ms);
    }

    [Fact]
    public void However_long_a_run_is_the_memory_is_fixed_and_the_fewest_of_all_is_kept()
    {
        var series = new FreePagesSeries(1_000);
        for (var i = 0L; i < 10 * FreePagesSeries.Capacity; i++)
        {
            series.Note(i * Ms, i == 77 ? 3 : 500, i * Ms);
        }

        var end = 10 * FreePagesSeries.Capacity * Ms;
        var samples = series.Until(end);
        Assert.InRange(samples.Count, FreePagesSeries.Capacity / 2, FreePagesSeries.Capacity);
        Assert.Equal(3, samples[77 / 16].LeastPages);
        Assert.Single(samples, sample => sample.LeastPages < 500);
        Assert.Equal(end, samples[^1].EndNs);
    }

    [Fact]
    public void It_survives_a_checkpoint()
    {
        var series = new FreePagesSeries(1_000);
        for (var i = 0L; i < 3_000; i++)
        {
            series.Note(i * Ms / 2, 400 + i % 7, i * Ms / 2);
        }

        var copy = MemoryPackSerializer.Deserialize<FreePagesSeries>(MemoryPackSerializer.Serialize(series))!;
        series.Note(1_600 * Ms, 5, 1_600 * Ms);
        copy.Note(1_600 * Ms, 5, 1_600 * Ms);
        Assert.Equal(series.Until(1_700 * Ms), copy.Until(1_700 * Ms));
    }
}
