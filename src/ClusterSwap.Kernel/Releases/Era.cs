// The kernel releases that a blade can run.
namespace ClusterSwap.Kernel;

/// <summary>A release of Linux, as a preset of patches and later changes.</summary>
public enum Era : byte
{
    /// <summary>3.5: before the series.</summary>
    Linux35,

    /// <summary>3.6: the series is merged.</summary>
    Linux36,

    /// <summary>6.1 (6.1.192): what the rows of a real kernel were measured on.</summary>
    Linux61,
}
