// Free pages of one blade over a run, with the marks they are held against.
using System.Globalization;
using System.Text;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Plots;

/// <summary>What is drawn of one blade.</summary>
public sealed record FreePagesTrack
{
    /// <summary>Name of the file in a run's folder that keeps the samples of all its blades.</summary>
    public const string FileName = "samples.csv";

    private const string Header = "blade,seconds,min_free_pages,free_pages";

    /// <summary>Name of the blade.</summary>
    public required string Blade { get; init; }

    /// <summary>Min mark, pages, summed over zones.</summary>
    public required long Min { get; init; }

    /// <summary>Low mark, pages, summed over zones.</summary>
    public required long Low { get; init; }

    /// <summary>High mark, pages, summed over zones.</summary>
    public required long High { get; init; }

    /// <summary>Virtual time of its last progress when it hangs, s.</summary>
    public required double? HangSeconds { get; init; }

    /// <summary>Free pages over time.</summary>
    public required IReadOnlyList<FreePagesSample> Samples { get; init; }

    /// <summary>Direct reclaimers wait while fewer pages than this are free (half of the sum of the min
    /// marks).</summary>
    public long ThrottleLimit => Min / 2;

    /// <summary>The tracks of a run that has just ended.</summary>
    public static IReadOnlyList<FreePagesTrack> Of(RunReport report) => report.Blades
        .Where(blade => blade.FreePages.Count > 0)
        .Select(blade => new FreePagesTrack
        {
            Blade = blade.Name,
            Min = blade.WatermarkMin,
            Low = blade.WatermarkLow,
            High = blade.WatermarkHigh,
            HangSeconds = report.Hang is { } hang && hang.Blade == blade.Name ? hang.SinceNs / 1e9 : null,
            Samples = blade.FreePages,
        }).ToArray();

    /// <summary>The samples of a run as CSV: a line per blade and interval, times exact.</summary>
    public static byte[] ToCsv(RunReport report)
    {
        var text = new StringBuilder(Header).Append('\n');
        foreach (var blade in report.Blades)
        {
            foreach (var sample in blade.FreePages)
            {
                text.Append(CultureInfo.InvariantCulture,
                    $"{blade.Name},{sample.EndNs / 1_000_000_000m},{sample.LeastPages},{sample.LastPages}\n");
            }
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>Samples by blade from a file that <see cref="ToCsv"/> wrote.</summary>
    /// <exception cref="FormatException">It is no such file; the text says which line.</exception>
    public static IReadOnlyDictionary<string, IReadOnlyList<FreePagesSample>> ReadCsv(IReadOnlyList<string> lines)
    {
        if (lines.Count == 0 || lines[0] != Header)
        {
            throw new FormatException($"line 1: \"{Header}\" is expected");
        }

        var blades = new Dictionary<string, List<FreePagesSample>>();
        for (var i = 1; i < lines.Count; i++)
        {
            var cells = lines[i].Split(',');
            if (cells.Length != 4
                || !decimal.TryParse(cells[1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
                || !long.TryParse(cells[2], NumberStyles.None, CultureInfo.InvariantCulture, out var least)
                || !long.TryParse(cells[3], NumberStyles.None, CultureInfo.InvariantCulture, out var last))
            {
                throw new FormatException($"line {i + 1}: a blade, a time and two numbers of pages are expected");
            }

            if (!blades.TryGetValue(cells[0], out var samples))
            {
                blades[cells[0]] = samples = [];
            }

            samples.Add(new FreePagesSample((long)(seconds * 1_000_000_000m), least, last));
        }

        return blades.ToDictionary(blade => blade.Key, blade => (IReadOnlyList<FreePagesSample>)blade.Value);
    }
}
