// The OOM killer as a way out of a loop through the allocator.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Runs;

public sealed partial class WaitForGraph
{
    private const string OomMayCome = "a process that loops in the allocator may yet call the OOM killer";

    /// <summary>
    /// A request with FS that frees nothing calls the OOM killer in the end: since 4.7 after so many rounds, before when
    /// every zone has been found without anything to reclaim. Only kswapd finds that (<c>balance_pgdat</c>), so one that
    /// is stuck itself keeps the OOM killer away.
    /// </summary>
    private void ConnectOom(WaitNode node, int process)
    {
        var gfp = _states.Reclaimer(process).Gfp;
        if (gfp != Gfp.None && ((gfp & Gfp.Fs) == 0 || (gfp & Gfp.NoRetry) != 0))
        {
            return;
        }

        if (RetryRules.CountsFruitlessRounds(_states.Place.Spec.Rules))
        {
            node.GoesOn(OomMayCome);
            return;
        }

        var needed = new List<WaitNode>();
        foreach (var kswapd in _states.Memory.Kswapds)
        {
            if (!NothingToReclaimOn(kswapd.Node))
            {
                needed.Add(KswapdScans(kswapd.Node));
            }
        }

        if (needed.TrueForAll(kswapd => kswapd.CanGoOn))
        {
            node.GoesOn(OomMayCome);
        }
        else
        {
            node.Needs([.. needed]);
        }
    }

    private bool NothingToReclaimOn(int node)
    {
        var zones = _states.Memory.Pages.Zones;
        for (var i = 0; i < zones.Length; i++)
        {
            if (zones[i].Node == node && zones[i].Present > 0 && !_states.Memory.Lru.Zones[i].AllUnreclaimable)
            {
                return false;
            }
        }

        return true;
    }

    // It is woken by every round of a loop through the allocator, so only I/O that it waits for keeps it from scanning.
    private WaitNode KswapdScans(int kswapd)
    {
        var node = Node();
        var task = BladeTasks.KswapdOf(_states.Place.Group, kswapd);
        var wait = _states.Device.TxOwner == task ? WaitKind.TxLock : _states.KswapdOf(kswapd).Task.Wait;
        switch (wait)
        {
            case WaitKind.TxLock:
                node.Needs(_sender);
                break;
            case WaitKind.Request or WaitKind.Bio when !IsAwake(task):
                _writes.EndWaitOf(node);
                _reads.EndWaitOf(node);
                break;
            default:
                node.GoesOn();
                break;
        }

        return node;
    }
}
