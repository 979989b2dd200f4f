// Writes the faults of a resolved scenario back as TOML.
using System.Globalization;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>The lines of a fault's table.</summary>
internal static class FaultWriter
{
    /// <summary>Keys and values, in order, values as they stand in a file.</summary>
    public static IEnumerable<(string Key, string Value)> Lines(FaultSpec fault)
    {
        yield return ("kind", Quoted(fault.Effect.Kind));
        if (fault.On.Count > 0)
        {
            yield return ("on", "[" + string.Join(", ", fault.On.Select(Quoted)) + "]");
        }

        yield return ("at", Quoted(Units.Duration(fault.AtNs)));
        if (fault.ForNs is { } lasts)
        {
            yield return ("for", Quoted(Units.Duration(lasts)));
        }

        if (fault.EveryNs is { } every)
        {
            yield return ("every", Quoted(Units.Duration(every)));
        }

        if (fault.Times is { } times)
        {
            yield return ("times", Number(times));
        }

        foreach (var line in EffectLines(fault.Effect))
        {
            yield return line;
        }
    }

    private static IEnumerable<(string Key, string Value)> EffectLines(FaultEffect effect) => effect switch
    {
        LossEffect { Bursts: { } bursts } loss =>
        [
            Way(loss), ("per_million", Number(loss.PerMillion)),
            ("good_per_million", Number(bursts.GoodPerMillion)),
            ("good_to_bad_per_million", Number(bursts.GoodToBadPerMillion)),
            ("bad_to_good_per_million", Number(bursts.BadToGoodPerMillion)),
        ],
        LossEffect loss => [Way(loss), ("per_million", Number(loss.PerMillion))],
        DelayEffect delay =>
        [
            Way(delay), ("delay", Quoted(Units.Duration(delay.DelayNs))),
            ("jitter", Quoted(Units.Duration(delay.JitterNs))),
        ],
        ReorderEffect reorder =>
        [
            Way(reorder), ("per_million", Number(reorder.PerMillion)),
            ("delay", Quoted(Units.Duration(reorder.DelayNs))),
        ],
        DuplicateEffect duplicate => [Way(duplicate), ("per_million", Number(duplicate.PerMillion))],
        RateEffect rate => [Way(rate), ("bandwidth", Quoted(Units.Rate(rate.BitsPerSec)))],
        SwizzleClogEffect clog => [("per_million", Number(clog.PerMillion))],
        PartitionEffect partition => [Way(partition)],
        ServerErrorEffect error =>
        [
            ("operations", Quoted(Lower(error.Operations))), ("per_million", Number(error.PerMillion)),
        ],
        ServerDelayEffect delay =>
        [
            ("operations", Quoted(Lower(delay.Operations))), ("delay", Quoted(Units.Duration(delay.DelayNs))),
        ],
        _ => [],
    };

    private static (string Key, string Value) Way(LinkEffect effect) => ("direction", Quoted(Lower(effect.Direction)));

    private static string Lower<T>(T word)
        where T : struct, Enum => word.ToString().ToLowerInvariant();

    // Names, words and quantities hold nothing that needs an escape.
    private static string Quoted(string text) => '"' + text + '"';

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
