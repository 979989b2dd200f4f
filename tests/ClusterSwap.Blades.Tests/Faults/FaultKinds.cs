// One fault of each kind, as overrides of a scenario.
namespace ClusterSwap.Blades.Tests.Faults;

internal static class FaultKinds
{
    /// <summary>Half a second of each, from where the small rack is under pressure.</summary>
    private static readonly string[] Times = ["faults.x.at=200 ms", "faults.x.for=500 ms"];

    public static IReadOnlyDictionary<string, string[]> All { get; } = new Dictionary<string, string[]>
    {
        ["loss"] = Of("loss", "per_million=20000"),
        ["bursts"] = Of("loss", "per_million=500000", "good_to_bad_per_million=2000", "bad_to_good_per_million=100000"),
        ["delay"] = Of("delay", "delay=1 ms", "jitter=2 ms"),
        ["reorder"] = Of("reorder", "per_million=50000"),
        ["duplicate"] = Of("duplicate", "per_million=50000"),
        ["rate"] = Of("rate", "bandwidth=50 Mbit/s"),
        ["partition"] = Of("partition"),
        ["partition up"] = Of("partition", "direction=up"),
        ["swizzle-clog"] = Of("swizzle-clog", "per_million=1000000"),
        ["server-stall"] = Of("server-stall"),
        ["server-delay"] = Of("server-delay", "delay=3 ms"),
    };

    public static TheoryData<string> Names => [.. All.Keys];

    private static string[] Of(string kind, params string[] keys) =>
        [$"faults.x.kind={kind}", .. Times, .. keys.Select(key => $"faults.x.{key}")];
}
