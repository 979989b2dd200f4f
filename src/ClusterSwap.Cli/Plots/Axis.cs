// Round numbers along an axis.
using System.Globalization;

namespace ClusterSwap.Cli.Plots;

/// <summary>A linear axis from 0 to <see cref="Top"/>.</summary>
public sealed class Axis
{
    private static readonly double[] s_steps = [1, 2, 5, 10];

    private Axis(double top, double step)
    {
        Top = top;
        Step = step;
    }

    /// <summary>Largest value on it.</summary>
    public double Top { get; }

    /// <summary>Distance of two labels: 1, 2 or 5 times a power of ten.</summary>
    public double Step { get; }

    /// <summary>Values with labels, 0 first.</summary>
    public IEnumerable<double> Ticks
    {
        get
        {
            // A whole number of steps: no sum of fractions that drifts.
            for (var i = 0; i * Step <= Top * (1 + 1e-9); i++)
            {
                yield return i * Step;
            }
        }
    }

    /// <summary>An axis that ends at the least round number not below <paramref name="most"/>.</summary>
    public static Axis Round(double most, int ticks)
    {
        var step = StepFor(most, ticks);
        return new Axis(Math.Ceiling(most / step - 1e-9) * step, step);
    }

    /// <summary>An axis that ends at <paramref name="most"/> itself.</summary>
    public static Axis Exact(double most, int ticks) => new(most, StepFor(most, ticks));

    /// <summary>The label of a value.</summary>
    public string Label(double value)
    {
        var digits = Math.Clamp((int)Math.Ceiling(-Math.Log10(Step) - 1e-9), 0, 9);
        return value.ToString("N" + digits, CultureInfo.InvariantCulture);
    }

    private static double StepFor(double most, int ticks)
    {
        if (most <= 0)
        {
            return 1;
        }

        var power = Math.Pow(10, Math.Floor(Math.Log10(most / ticks)));
        return power * s_steps.First(step => most / (power * step) <= ticks + 1e-9);
    }
}
