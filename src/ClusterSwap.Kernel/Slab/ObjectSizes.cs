// Sizes of slab objects that differ between releases.
namespace ClusterSwap.Kernel.Slab;

/// <summary>
/// Bytes of those objects whose size a release or a configuration decides (x86-64): computed from the fields for 3.5
/// and 3.6, compiled with the configuration of the measured kernels for 6.1.
/// </summary>
/// <param name="SkbFclone">Two socket buffer heads and their count (skbuff_fclone_cache).</param>
/// <param name="TreeNode">A node of the swap cache's tree (radix_tree_node).</param>
/// <param name="TreeSlots">Entries of such a node.</param>
public readonly record struct ObjectSizes(int SkbFclone, int TreeNode, int TreeSlots)
{
    /// <summary>The sizes of a kernel with <paramref name="rules"/>.</summary>
    public static ObjectSizes Of(KernelRules rules)
    {
        var sizes = rules.Has(KernelChange.ObjectSizes) ? new ObjectSizes(448, 576, 64) : new ObjectSizes(512, 560, 64);

        // BASE_SMALL: XA_CHUNK_SHIFT and RADIX_TREE_MAP_SHIFT are 4 instead of 6.
        return rules.Has(KernelChange.SmallTreeNodes) ? sizes with { TreeNode = 192, TreeSlots = 16 } : sizes;
    }
}
