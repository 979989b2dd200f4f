// The zones as reclaim sees them.
using ClusterSwap.Kernel.Memory;
using ClusterSwap.Kernel.Reclaim;

namespace ClusterSwap.Kernel;

/// <summary>Shows the page allocator's zones to reclaim. Holds no state.</summary>
public sealed class ZoneView(PageAllocator pages) : IZoneView
{
    private readonly Zone[] _zones = pages.Zones;

    /// <inheritdoc/>
    public int ZoneCount => _zones.Length;

    /// <inheritdoc/>
    public int NodeCount => pages.Nodes;

    /// <inheritdoc/>
    public int[] Zonelist(int node) => pages.ZonelistOf(node).ToArray();

    /// <inheritdoc/>
    public PageFrame[] Frames { get; } = pages.Frames;

    /// <inheritdoc/>
    public long Present(int zone) => _zones[zone].Present;

    /// <inheritdoc/>
    public long Free(int zone) => _zones[zone].NrFree;

    /// <inheritdoc/>
    public long Min(int zone) => _zones[zone].Min;

    /// <inheritdoc/>
    public long Low(int zone) => _zones[zone].Low;

    /// <inheritdoc/>
    public long High(int zone) => _zones[zone].High;

    /// <inheritdoc/>
    public bool WatermarkOk(int zone, int order, long mark, int classzone) =>
        pages.ZoneWatermarkOk(_zones[zone], order, mark, classzone, AllocFlags.WmarkMin);

    /// <inheritdoc/>
    public void SetReclaimActive(int node, bool active)
    {
        foreach (var zone in _zones)
        {
            zone.ReclaimActive = zone.Node == node ? active : zone.ReclaimActive;
        }
    }

    /// <inheritdoc/>
    public int ZoneOf(int page) => pages.ZoneOf(page);

    /// <inheritdoc/>
    public void FreePage(int page, int cpu) => pages.Free(page, 0, cpu, cold: true);
}
