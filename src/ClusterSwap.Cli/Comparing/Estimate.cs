// A mean, and how sure it is.
using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace ClusterSwap.Cli.Comparing;

/// <summary>A mean with its 95 % confidence interval.</summary>
/// <param name="Count">How many values; 0 when there is none.</param>
/// <param name="Mean">Their mean.</param>
/// <param name="HalfWidth">
/// The interval is mean ± this: Student's t of Count − 1 degrees of freedom times the standard error. 0 when all values
/// are equal; null when there are fewer than two, because one value says nothing about the spread.
/// </param>
public readonly record struct Estimate(int Count, double Mean, double? HalfWidth)
{
    // Two-sided 95 %.
    private const double Quantile = 0.975;

    /// <summary>The estimate from values of independent runs.</summary>
    public static Estimate Of(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
        {
            return default;
        }

        var mean = values.Mean();
        if (values.Count == 1)
        {
            return new Estimate(1, mean, null);
        }

        var t = StudentT.InvCDF(location: 0, scale: 1, freedom: values.Count - 1, Quantile);
        return new Estimate(values.Count, mean, t * values.StandardDeviation() / Math.Sqrt(values.Count));
    }

    /// <summary>Percent by which this mean differs from <paramref name="first"/>; null when either is missing, or the
    /// first is 0 and this is not.</summary>
    public double? DifferenceFrom(Estimate first) =>
        Count == 0 || first.Count == 0 ? null
        : Mean == first.Mean ? 0
        : first.Mean == 0 ? null
        : 100 * (Mean - first.Mean) / Math.Abs(first.Mean);
}
