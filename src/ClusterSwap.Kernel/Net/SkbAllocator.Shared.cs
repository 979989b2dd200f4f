// Clones of received buffers: who else holds the data of a packet.
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Kernel.Net;

public sealed partial class SkbAllocator
{
    /// <summary>dataref by shared record: how many buffers hold the data. 0: the record is free.</summary>
    public List<int> SharedData = [];

    /// <summary>
    /// <c>skb_clone</c> of a received buffer with GFP_ATOMIC (3.6): a header of its own for the same data and fragment,
    /// which stay until the last holder frees them. A tagged buffer passes on its tag and MEMALLOC. Granted or Failed;
    /// a failed clone leaves <paramref name="skb"/> as it was.
    /// </summary>
    public AllocOutcome CloneReceived(ref SkBuff skb, int cpu, out SkBuff clone)
    {
        var outcome = AllocClone(skb, Gfp.Atomic, TaskFlags.None, AllocContext.Softirq, cpu, out clone);
        if (outcome != AllocOutcome.Granted)
        {
            return outcome;
        }

        if (skb.SharedData == 0)
        {
            var free = SharedData.IndexOf(0);
            if (free < 0)
            {
                free = SharedData.Count;
                SharedData.Add(0);
            }

            SharedData[free] = 1;
            skb.SharedData = free + 1;
        }

        SharedData[skb.SharedData - 1]++;
        clone.SharedData = skb.SharedData;
        clone.Data = skb.Data;
        clone.DataCache = skb.DataCache;
        clone.Fragment = skb.Fragment;
        return outcome;
    }

    // True: nobody else holds the data any more.
    private bool DropShared(int record)
    {
        var left = SharedData[record - 1] - 1;
        if (left < 0)
        {
            throw new InvalidOperationException($"shared data {record} has no reference to drop");
        }

        SharedData[record - 1] = left;
        return left == 0;
    }
}
