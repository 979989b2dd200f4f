// From pages and seconds to dots of one panel.
using System.Globalization;
using System.Text;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Plots;

/// <summary>The scales of a panel and the lines drawn in them.</summary>
internal sealed class PanelScale
{
    // The marks in the lower half: a machine that has just booted has many times the high mark free.
    private const double TopInHighMarks = 2;

    // What follows a hang is the same for ever; a little of it is enough.
    private const double EndAfterHang = 1.15;
    private const int TicksOfPages = 6;
    private const int TicksOfTime = 10;

    private readonly FreePagesTrack _track;
    private readonly int _top;
    private readonly int _left;
    private readonly int _width;
    private readonly int _height;

    /// <summary>The scale of a track in a rectangle.</summary>
    public PanelScale(FreePagesTrack track, int top, int left, int width, int height)
    {
        _track = track;
        _top = top;
        _left = left;
        _width = width;
        _height = height;
        var end = track.Samples[^1].EndNs / 1e9;
        Seconds = Axis.Exact(track.HangSeconds is { } hang ? Math.Min(end, hang * EndAfterHang) : end, TicksOfTime);
        Pages = Axis.Round(Math.Max(1, TopInHighMarks * track.High), TicksOfPages);
        Highest = track.Samples.Max(sample => sample.LastPages);
    }

    /// <summary>Axis of virtual time, s.</summary>
    public Axis Seconds { get; }

    /// <summary>Axis of free pages.</summary>
    public Axis Pages { get; }

    /// <summary>Largest value.</summary>
    public long Highest { get; }

    /// <summary>Where a time lies.</summary>
    public string X(double seconds, int more = 0) =>
        Number(_left + more + (Seconds.Top == 0 ? 0 : _width * seconds / Seconds.Top));

    /// <summary>Dots from a time to the end of the axis.</summary>
    public string After(double seconds) => Number(_width * (1 - seconds / Seconds.Top));

    /// <summary>Where a number of pages lies.</summary>
    public string Y(double pages, int more = 0) => Number(PixelOf(pages) + more);

    /// <summary>Where a number of pages lies, dots from the top of the picture.</summary>
    public double PixelOf(double pages) => _top + _height - _height * pages / Pages.Top;

    /// <summary>A line that is level through each interval.</summary>
    public string Steps(Func<FreePagesSample, long> value)
    {
        var path = new StringBuilder();
        var begin = 0.0;
        foreach (var sample in _track.Samples)
        {
            var end = sample.EndNs / 1e9;
            path.Append(begin == 0 ? "M" : "V");
            path.Append(begin == 0 ? $"{X(0)} {Y(value(sample))}" : Y(value(sample)));
            path.Append('H').Append(X(Math.Min(end, Seconds.Top)));
            begin = end;
            if (end >= Seconds.Top)
            {
                break;
            }
        }

        return path.ToString();
    }

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);
}
