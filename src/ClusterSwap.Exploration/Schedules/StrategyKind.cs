// A family of strategies as a user names it; the seed of each schedule makes one of it.
using System.Globalization;
using ClusterSwap.Engine;

namespace ClusterSwap.Exploration.Schedules;

/// <summary>Which strategies are tried.</summary>
public abstract record StrategyKind
{
    /// <summary>The words, for messages.</summary>
    public const string Allowed = "random, pct:DEPTH or delay:DELAYS with a number from 1 to 100, such as pct:3";

    /// <summary>Every choice is drawn.</summary>
    public static StrategyKind Random { get; } = new RandomKind();

    /// <summary>Reads a word.</summary>
    /// <returns>Null when it is none.</returns>
    public static StrategyKind? Parse(string word)
    {
        var parts = word.Split(':');
        if (word == "random")
        {
            return Random;
        }

        var read = parts.Length == 2
            & int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number);
        return !read || number is < 1 or > 100 ? null : parts[0] switch
        {
            "pct" => new PctKind(number),
            "delay" => new DelayKind(number),
            _ => null,
        };
    }

    /// <summary>The word.</summary>
    public abstract string Word { get; }

    /// <summary>A strategy for a run that takes about so many decisions.</summary>
    public abstract ScheduleStrategy For(ulong seed, long decisions);

    /// <inheritdoc/>
    public sealed override string ToString() => Word;

    private sealed record RandomKind : StrategyKind
    {
        public override string Word => "random";

        public override ScheduleStrategy For(ulong seed, long decisions) => ScheduleStrategy.Random(seed);
    }

    private sealed record PctKind(int Depth) : StrategyKind
    {
        public override string Word => string.Create(CultureInfo.InvariantCulture, $"pct:{Depth}");

        public override ScheduleStrategy For(ulong seed, long decisions) => ScheduleStrategy.Pct(seed, Depth, decisions);
    }

    private sealed record DelayKind(int Delays) : StrategyKind
    {
        public override string Word => string.Create(CultureInfo.InvariantCulture, $"delay:{Delays}");

        public override ScheduleStrategy For(ulong seed, long decisions) =>
            ScheduleStrategy.DelayBounded(seed, Delays, decisions);
    }
}
