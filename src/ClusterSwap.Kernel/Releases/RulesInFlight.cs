// A machine that goes on under other rules: what of them it keeps as state is set anew.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Slab;

namespace ClusterSwap.Kernel
{
    public sealed partial class MachineMemory
    {
        /// <summary>
        /// From now on the machine follows other patches of the series, and the administrator's min_free_kbytes is
        /// another one. Release and changes outside the series must be the same: they shape what is in memory. A patch
        /// that is taken out leaves flags of pages and slabs as they are; nobody asks for them any more.
        /// </summary>
        /// <exception cref="InvalidOperationException">SLAB would have to tell tagged handles from others.</exception>
        public void FollowRules(KernelRules rules, long? minFreeKbytes)
        {
            Pages.FollowRules(rules, minFreeKbytes);
            Slabs.FollowRules(rules);
        }
    }
}

namespace ClusterSwap.Kernel.Memory
{
    public sealed partial class PageAllocator
    {
        /// <summary>Other patches, and watermarks set up anew (<c>setup_per_zone_wmarks</c>, as writing the sysctl
        /// does).</summary>
        internal void FollowRules(KernelRules rules, long? minFreeKbytes)
        {
            if (rules.Era != _rules.Era || rules.Changes != _rules.Changes)
            {
                throw new InvalidOperationException("release and changes outside the series cannot change in flight");
            }

            _rules = rules;
            ZoneWatermarks.SetUp(_zones, minFreeKbytes, rules);
        }
    }
}

namespace ClusterSwap.Kernel.Slab
{
    public sealed partial class SlabCaches
    {
        /// <summary>Whether these rules can follow those under which the caches were filled.</summary>
        public static bool CanFollow(SlabKind kind, KernelRules from, KernelRules to)
            => kind == SlabKind.Slub || new SlabReserve(from).SameAs(new SlabReserve(to));

        internal void FollowRules(KernelRules rules)
        {
            if (Kind == SlabKind.Slab && !_reserve.SameAs(new SlabReserve(rules)))
            {
                throw new InvalidOperationException("SLAB keeps tags in its arrays: their rules cannot change in flight");
            }

            foreach (var cache in _slub)
            {
                cache.FollowRules(rules);
            }
        }
    }

    public sealed partial class SlabReserve
    {
        /// <summary>The same switches.</summary>
        internal bool SameAs(SlabReserve other) => (FlagsSlabs, ChecksAreGated) == (other.FlagsSlabs, other.ChecksAreGated);
    }

    public sealed partial class SlubCache
    {
        internal void FollowRules(KernelRules rules)
        {
            var fresh = new SlubCache(Name, ObjectSize, Index, _cpus.Length, rules, _reclaimable);
            _keepsReserveApart = fresh._keepsReserveApart;
            _fastPathChecks = fresh._fastPathChecks;
        }
    }
}
