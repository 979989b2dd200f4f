// A part of what is shown of a moment: rows under named columns.
using System.Globalization;

namespace ClusterSwap.Blades.Replaying;

/// <summary>Rows of numbers and words. The same for a table on the screen and for JSON.</summary>
public sealed class MomentTable
{
    private readonly List<object?[]> _rows = [];

    /// <summary>An empty table.</summary>
    /// <param name="name">What it shows; a key in JSON.</param>
    /// <param name="columns">Names of columns; keys in JSON.</param>
    public MomentTable(string name, params string[] columns)
    {
        Name = name;
        Columns = columns;
    }

    /// <summary>What it shows.</summary>
    public string Name { get; }

    /// <summary>Names of the columns.</summary>
    public IReadOnlyList<string> Columns { get; }

    /// <summary>Rows: a <see cref="long"/>, a string, or null where there is nothing to say.</summary>
    public IReadOnlyList<object?[]> Rows => _rows;

    /// <summary>Adds a row with a value for every column.</summary>
    public MomentTable Add(params object?[] row)
    {
        if (row.Length != Columns.Count)
        {
            throw new ArgumentException($"table {Name} has {Columns.Count} columns, a row has {row.Length} values");
        }

        _rows.Add([.. row.Select(Plain)]);
        return this;
    }

    /// <summary>Lines with aligned columns, the names first.</summary>
    public IEnumerable<string> Lines()
    {
        string[][] cells = [[.. Columns], .. _rows.Select(row => row.Select(Text).ToArray())];
        var widths = Enumerable.Range(0, Columns.Count).Select(i => cells.Max(row => row[i].Length)).ToArray();
        bool[] right = [.. Enumerable.Range(0, Columns.Count).Select(i =>
            _rows.Count > 0 && _rows.TrueForAll(row => row[i] is long or null) && _rows.Exists(row => row[i] is long))];
        foreach (var row in cells)
        {
            var line = string.Join("  ", row.Select((cell, i) =>
                right[i] ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i])));
            yield return line.TrimEnd();
        }
    }

    private static object? Plain(object? value) => value switch
    {
        null or string or long => value,
        int number => (long)number,
        bool yes => yes ? "yes" : "no",
        Enum word => word.ToString(),
        _ => throw new ArgumentException($"a {value.GetType().Name} cannot be shown"),
    };

    private static string Text(object? value) => value switch
    {
        null => "-",
        long number => number.ToString("N0", CultureInfo.InvariantCulture),
        _ => (string)value,
    };
}
