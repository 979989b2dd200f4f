// A comparison as text, in the layout of MMTests' duration report.
using System.Globalization;

namespace ClusterSwap.Cli.Comparing;

/// <summary>Writes a comparison as text.</summary>
public sealed class ComparisonTable
{
    private const string Missing = "-";
    private const string Gap = "   ";

    private static readonly (RowSection Section, string Heading, bool HideZero)[] s_sections =
    [
        (RowSection.Duration, "MMTests Statistics: duration", false),
        (RowSection.Memory, "Free pages", false),
        (RowSection.VmStat, "/proc/vmstat", true),
    ];

    private readonly Comparison _comparison;
    private readonly List<string> _lines = [];
    private readonly ComparisonRow[] _rows;
    private readonly int _nameWidth;
    private readonly (int Value, int Difference, int Cell)[] _widths;

    private ComparisonTable(Comparison comparison)
    {
        _comparison = comparison;
        _rows = s_sections.SelectMany(section => RowsOf(section.Section, section.HideZero)).ToArray();
        _nameWidth = _rows.Select(row => row.Name.Length)
            .Concat(s_sections.Select(section => section.Heading.Length)).Max();
        _widths = comparison.Columns.Select((column, i) => WidthsOf(column, i)).ToArray();
    }

    /// <summary>The whole text, with a line end behind it.</summary>
    public static string Write(Comparison comparison)
    {
        var table = new ComparisonTable(comparison);
        table._lines.Add(comparison.Title);
        table._lines.Add("");
        table.Verdicts();
        foreach (var (section, heading, hideZero) in s_sections)
        {
            table.Section(table.RowsOf(section, hideZero), heading);
        }

        foreach (var note in comparison.Notes)
        {
            table._lines.Add("note: " + note);
        }

        return string.Concat(table._lines.Select(line => line.TrimEnd() + "\n"));
    }

    /// <summary>Verdicts with how many of the runs ended so: "deadlock 8/10, completed 2/10".</summary>
    public static string VerdictsOf(ComparisonColumn column)
    {
        var verdicts = column.Verdicts.Select(verdict => Invariant($"{verdict.Key} {verdict.Value}/{column.Wanted}"));
        var missing = column.Wanted - column.Runs.Count;
        return string.Join(", ",
            missing == 0 ? verdicts : verdicts.Append(Invariant($"without a verdict {missing}/{column.Wanted}")));
    }

    private void Verdicts()
    {
        var width = _comparison.Columns.Max(column => column.Title.Length);
        foreach (var column in _comparison.Columns)
        {
            _lines.Add(column.Title.PadRight(width) + Gap + VerdictsOf(column));
        }

        _lines.Add("");
    }

    private void Section(ComparisonRow[] rows, string heading)
    {
        if (rows.Length == 0)
        {
            return;
        }

        var titles = _comparison.Columns.Select((column, i) => Gap + column.Title.PadLeft(_widths[i].Cell));
        _lines.Add(heading.PadRight(_nameWidth) + string.Concat(titles));
        foreach (var row in rows)
        {
            var cells = row.Cells.Select((_, i) => Gap + Cell(row, i));
            _lines.Add(row.Name.PadRight(_nameWidth) + string.Concat(cells));
        }

        _lines.Add("");
    }

    private ComparisonRow[] RowsOf(RowSection section, bool hideZero) => _comparison.Rows
        .Where(row => row.Section == section && !(hideZero && row.Cells.All(cell => cell.Mean == 0)))
        .Where(row => row.Cells.Any(cell => cell.Count > 0))
        .ToArray();

    // Value and difference stand in line each, and the title over both.
    private (int Value, int Difference, int Cell) WidthsOf(ComparisonColumn column, int index)
    {
        var value = _rows.Select(row => Value(row, index).Length).DefaultIfEmpty().Max();
        var difference = _rows.Select(row => Difference(row, index).Length).DefaultIfEmpty().Max();
        var both = value + (difference == 0 ? 0 : 1 + difference);
        return (value, difference, Math.Max(both, column.Title.Length));
    }

    private string Cell(ComparisonRow row, int column)
    {
        var (value, difference, cell) = _widths[column];
        var text = Value(row, column).PadLeft(value);
        return (difference == 0 ? text : text + " " + Difference(row, column).PadLeft(difference)).PadLeft(cell);
    }

    private static string Value(ComparisonRow row, int column)
    {
        var cell = row.Cells[column];
        if (cell.Count == 0)
        {
            return Missing;
        }

        var format = row.Section == RowSection.Duration ? "N2" : "N0";
        var mean = cell.Mean.ToString(format, CultureInfo.InvariantCulture);
        return cell.HalfWidth is { } half
            ? mean + " ±" + half.ToString(format, CultureInfo.InvariantCulture)
            : mean;
    }

    private static string Difference(ComparisonRow row, int column) =>
        row.Differences[column] is { } percent
            ? "(" + percent.ToString("+#,##0.0;-#,##0.0;0.0", CultureInfo.InvariantCulture) + " %)"
            : "";

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
