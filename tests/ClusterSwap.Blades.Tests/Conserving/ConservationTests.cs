// At every barrier everything that memory gave out is held by somebody; at the end nothing is.
using ClusterSwap.Blades.Monitors;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Blades.Tests.Conserving;

public sealed class ConservationTests
{
    [Theory]
    [InlineData("swapnbd", true)]
    [InlineData("swapnbd-slab", true)]
    [InlineData("swapnbd-read", true)]
    [InlineData("vanilla", false)]
    [InlineData("vanilla-slab", false)]
    public void Everything_given_out_is_held_at_every_barrier(string variant, bool patched)
    {
        using var trial = new Trial(Trial.Quick(variant, Trial.ManyBarriers));
        trial.Run(untilNs: patched ? 60 * Trial.Second : 3 * Trial.Second, checkEvery: 1);
        Assert.Equal(patched, trial.Completed);
        Assert.True(trial.Sum(VmCounter.pswpout) > 0);
    }

    [Theory]
    [InlineData("blade.nic.sg=false", "blade.nic.tso=false")]
    [InlineData("blade.link.loss_per_million=2000", "seed=1")]
    [InlineData("blade.link.queue=8 KiB", "server.queue=64 KiB")]
    [InlineData("blade.nic.ring=16", "server.rcvbuf=16 KiB")]
    public void Everything_given_out_is_held_on_a_bad_network(string first, string second)
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.ManyBarriers, first, second));
        trial.Run(checkEvery: 1);
        Assert.True(trial.Completed);
    }

    [Theory]
    [InlineData("swapnbd")]
    [InlineData("swapnbd-slab")]
    public void A_completed_run_leaves_nothing_behind(string variant)
    {
        using var trial = new Trial(Trial.Quick(variant));
        trial.Run();
        Assert.True(trial.Completed);
        // The last requests may still be on their way when the last process ends.
        trial.Cluster.Simulation.Run(new RunOptions { UntilNs = trial.Cluster.Simulation.TimeNs + 5 * Trial.Second });
        Conservation.Check(trial.Cluster);

        var memory = trial.Blade().Memory;
        var nbd = trial.Nbd();
        Assert.Equal(0, nbd.Queue.InFlight(write: true) + nbd.Queue.InFlight(write: false));
        Assert.Equal(0, memory.Pages.CountOwned(PageOwner.PageTable));
        Assert.Equal(memory.SwapCache.Count, memory.Pages.CountOwned(PageOwner.Anon));
        Assert.Equal(memory.SwapCache.Count, memory.Slots.TotalSlots - memory.Slots.FreeSlots);
        Assert.InRange(memory.Pages.CountOwned(PageOwner.TxFragment), 0, 1 + nbd.GrantedPages.Count);
        Assert.Equal(0, memory.Slabs.SkbFclone.ObjectsInUse);
        Assert.Equal(memory.Bios.Kept, memory.Slabs.Bio.ObjectsInUse);
        Assert.Equal(0, memory.Stat[VmGauge.nr_writeback] + memory.Stat[VmGauge.nr_isolated_anon]);
        Assert.Equal(-1, nbd.Socket.Owner);
    }

    [Fact]
    public void What_is_lost_is_named()
    {
        using var trial = new Trial(Trial.Quick("swapnbd", Trial.OnePass, Trial.ManyBarriers));
        trial.Run(untilNs: Trial.Second);
        Conservation.Check(trial.Cluster);
        var call = SlabCall.For(Gfp.Atomic, TaskFlags.None, AllocContext.Task, cpu: 0);
        Assert.Equal(AllocOutcome.Granted, trial.Blade().Memory.Slabs.Kmalloc1024.Alloc(ref call));
        var error = Assert.Throws<InvalidOperationException>(() => Conservation.Check(trial.Cluster));
        Assert.Equal("blade at 1000000000 ns: kmalloc-1024: 1 objects are given out, 0 are held", error.Message);
    }
}
