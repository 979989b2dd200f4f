// Workingset detection for anonymous pages (5.9): would the page still be here if it had been active?
namespace ClusterSwap.Kernel.Reclaim;

public sealed partial class LruLists
{
    /// <inheritdoc/>
    /// <remarks>
    /// The distance is what was evicted or activated since; it is compared with what competes for memory: all pages but
    /// the inactive anonymous ones (<c>workingset_refault</c>, 6.1).
    /// </remarks>
    public bool Refault(int page, uint evictedAt)
    {
        var zone = ZoneOf(page);
        var state = Zones[zone];
        var distance = unchecked(state.NonresidentAge - evictedAt);
        var others = Size(zone, LruList.ActiveFile) + Size(zone, LruList.InactiveFile) + Size(zone, LruList.ActiveAnon);
        if (distance > others)
        {
            return false;
        }

        state.NonresidentAge++;
        state.RefaultsActivated++;
        return true;
    }
}
