// Strategies from their own words.
using System.Globalization;

namespace ClusterSwap.Engine;

/// <summary>Reads strategies.</summary>
public static class StrategyText
{
    /// <summary>The forms, for messages.</summary>
    public const string Forms =
        "fifo, random(seed N), pct(seed N, depth D, decisions K), delay(seed N, delays D, decisions K) or replay(SWITCHES), "
        + "and \" from T ns\" behind any of them";

    /// <summary>Reads what <see cref="ScheduleStrategy.Describe"/> wrote.</summary>
    /// <exception cref="FormatException">It is no strategy.</exception>
    public static ScheduleStrategy Parse(string text)
    {
        int late = text.LastIndexOf(" from ", StringComparison.Ordinal);
        if (late > 0 && text.EndsWith(" ns", StringComparison.Ordinal))
        {
            string time = text[(late + " from ".Length)..^" ns".Length];
            return Parse(text[..late]).From((long)Number(time, text));
        }

        if (text == "fifo")
        {
            return ScheduleStrategy.Fifo;
        }

        int open = text.IndexOf('(', StringComparison.Ordinal);
        if (open < 0 || !text.EndsWith(')'))
        {
            throw Wrong(text);
        }

        string inside = text[(open + 1)..^1];
        return text[..open] switch
        {
            "random" => ScheduleStrategy.Random(Numbers(inside, text, "seed")[0]),
            "pct" when Numbers(inside, text, "seed", "depth", "decisions") is var n =>
                ScheduleStrategy.Pct(n[0], Small(n[1], text), (long)n[2]),
            "delay" when Numbers(inside, text, "seed", "delays", "decisions") is var n =>
                ScheduleStrategy.DelayBounded(n[0], Small(n[1], text), (long)n[2]),
            "replay" => ScheduleStrategy.Replay(ScheduleTrace.Parse(inside)),
            _ => throw Wrong(text),
        };
    }

    private static ulong[] Numbers(string inside, string text, params string[] names)
    {
        string[] parts = inside.Split(", ");
        if (parts.Length != names.Length)
        {
            throw Wrong(text);
        }

        ulong[] numbers = new ulong[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            if (!parts[i].StartsWith(names[i] + " ", StringComparison.Ordinal))
            {
                throw Wrong(text);
            }

            numbers[i] = Number(parts[i][(names[i].Length + 1)..], text);
        }

        return numbers[^1] == 0 && names[^1] == "decisions" ? throw Wrong(text) : numbers;
    }

    private static int Small(ulong number, string text) => number is > 0 and <= 1_000_000 ? (int)number : throw Wrong(text);

    private static ulong Number(string digits, string text)
        => ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            ? number
            : throw Wrong(text);

    private static FormatException Wrong(string text) => new($"\"{text}\" is no schedule strategy. Allowed: {Forms}");
}
