// Reads /proc files the way the usual tools do: fixed columns, "key value" lines, pairs of lines.
using System.Globalization;

namespace ClusterSwap.Blades.Tests.ProcFiles;

/// <summary>A small reader of /proc files. It throws on what a tool would not understand.</summary>
internal static class ProcReader
{
    /// <summary>/proc/vmstat: names in order, and their values.</summary>
    public static List<(string Name, long Value)> VmStat(string text) =>
    [
        .. Lines(text).Select(line => line.Split(' ')).Select(words =>
            words.Length == 2 ? (words[0], Number(words[1])) : throw new FormatException(string.Join(' ', words))),
    ];

    /// <summary>/proc/meminfo by name, in kB; values stand in fixed columns.</summary>
    public static Dictionary<string, long> MemInfo(string text)
    {
        var values = new Dictionary<string, long>();
        foreach (var line in Lines(text))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            // VmallocTotal alone is wider than its column.
            var columns = line.StartsWith("VmallocTotal", StringComparison.Ordinal) ? 27 : 24;
            Assert.Equal(columns, line.Split(" kB")[0].Length);
            values[line[..colon]] = Number(line[(colon + 1)..].Replace(" kB", "", StringComparison.Ordinal).Trim());
        }

        return values;
    }

    /// <summary>/proc/zoneinfo: for each zone its name, its fields and its protection.</summary>
    public static List<(string Zone, Dictionary<string, long> Fields, long[] Protection)> ZoneInfo(string text)
    {
        var zones = new List<(string, Dictionary<string, long>, long[])>();
        var inSets = false;
        foreach (var line in Lines(text))
        {
            if (line.StartsWith("Node", StringComparison.Ordinal))
            {
                zones.Add((line[13..].Trim(), [], []));
                inSets = false;
                continue;
            }

            var (name, fields, _) = zones[^1];
            var words = line.Split([' ', ':'], StringSplitOptions.RemoveEmptyEntries);
            inSets |= words[0] == "pagesets";
            if (words[0] == "protection")
            {
                var inner = line.Split('(', ')')[1];
                zones[^1] = (name, fields, [.. inner.Split(", ").Select(Number)]);
            }
            else if (words is ["per-node", _])
            {
                continue;
            }
            else if (words is ["pages", "free", var free])
            {
                fields["free"] = Number(free);
            }
            else if (inSets && words is ["count", var count])
            {
                fields["pcp"] = fields.GetValueOrDefault("pcp") + Number(count);
            }
            else if (words.Length == 2 && !(inSets && words[0] is ("cpu" or "high" or "batch")))
            {
                fields[words[0]] = Number(words[1]);
            }
        }

        return zones;
    }

    /// <summary>/proc/net/netstat and snmp: pairs of lines, by table and column.</summary>
    public static Dictionary<string, long> Tables(string text)
    {
        var values = new Dictionary<string, long>();
        var lines = Lines(text);
        Assert.Equal(0, lines.Length % 2);
        for (var i = 0; i < lines.Length; i += 2)
        {
            var names = lines[i].Split(' ');
            var numbers = lines[i + 1].Split(' ');
            Assert.Equal(names[0], numbers[0]);
            Assert.Equal(names.Length, numbers.Length);
            for (var j = 1; j < names.Length; j++)
            {
                values[names[0] + names[j]] = Number(numbers[j]);
            }
        }

        return values;
    }

    /// <summary>Columns of a line.</summary>
    public static long[] Columns(string line) =>
        [.. line.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(Number)];

    private static string[] Lines(string text)
    {
        Assert.EndsWith("\n", text);
        Assert.DoesNotContain("\r", text);
        return text[..^1].Split('\n');
    }

    private static long Number(string text) =>
        long.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
}
