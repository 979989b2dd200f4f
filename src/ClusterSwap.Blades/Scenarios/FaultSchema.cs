// The keys of a fault, and which of them each kind has.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>A kind of fault in a scenario.</summary>
/// <param name="Word">Its word.</param>
/// <param name="Needs">Keys that it must have.</param>
/// <param name="Takes">Keys that it may have beside those of all kinds.</param>
internal sealed record FaultKind(string Word, string[] Needs, params string[] Takes)
{
    /// <summary>The keys of this kind.</summary>
    public IEnumerable<string> Keys => FaultSchema.OfAll.Concat(Needs).Concat(Takes).Distinct();
}

/// <summary>The schema of <c>[faults.NAME]</c>.</summary>
internal static class FaultSchema
{
    private static readonly IntegerRule PerMillion = new(0, 1_000_000);
    private static readonly QuantityRule Time = new(QuantityKind.Duration, "1 us", "100000 h");
    private static readonly QuantityRule Delay = new(QuantityKind.Duration, "1 ns", "1 h");

    /// <summary>Keys that all kinds have.</summary>
    public static readonly string[] OfAll = ["kind", "on", "at", "for", "every", "times"];

    /// <summary>The kinds.</summary>
    public static readonly FaultKind[] Kinds =
    [
        new("loss", ["per_million"], "direction", "good_per_million", "good_to_bad_per_million", "bad_to_good_per_million"),
        new("delay", ["delay"], "direction", "jitter"),
        new("reorder", ["per_million"], "direction", "delay"),
        new("duplicate", ["per_million"], "direction"),
        new("rate", ["bandwidth"], "direction"),
        new("partition", [], "direction"),
        new("swizzle-clog", ["for"], "per_million"),
        new("server-stall", []),
        new("server-delay", ["delay"], "operations"),
        new("server-error", ["per_million"], "operations"),
        new("server-restart", []),
    ];

    /// <summary>The kind of a word.</summary>
    public static FaultKind KindOf(string word) => Array.Find(Kinds, kind => kind.Word == word)!;

    /// <summary>The table of a fault. What stands in for a value that is not given depends on the kind.</summary>
    public static SchemaTable Table(ValueRule bandwidth) => new(
        new("kind", new WordRule([.. Kinds.Select(kind => kind.Word)])),
        new("on", new NamesRule(), ""),
        new("direction", new WordRule("up", "down", "both"), ""),
        new("at", new QuantityRule(QuantityKind.Duration, "0 ns", "100000 h"), "\"0 s\""),
        new("for", Time, ""),
        new("every", Time, ""),
        new("times", new IntegerRule(1, 1_000_000_000), ""),
        new("per_million", PerMillion, ""),
        new("good_per_million", PerMillion, ""),
        new("good_to_bad_per_million", PerMillion, ""),
        new("bad_to_good_per_million", PerMillion, ""),
        new("delay", Delay, ""),
        new("jitter", new QuantityRule(QuantityKind.Duration, "0 ns", "1 h"), ""),
        new("bandwidth", bandwidth, ""),
        new("operations", new WordRule("read", "write", "both"), ""));
}

/// <summary>A name, or a list of names; reads <see cref="FixedList{T}"/> of <see cref="string"/>.</summary>
internal sealed record NamesRule : ValueRule
{
    private static readonly TextRule Name = new(IsName: true);

    /// <inheritdoc/>
    public override string Allowed => $"{Name.Allowed}, or a list of such names";

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        var items = node is TomlList list ? list.Items : [node];
        var names = new List<string>();
        value = new FixedList<string>(names);
        foreach (var item in items)
        {
            if (!Name.TryRead(item, out var name, out error))
            {
                return false;
            }

            names.Add((string)name);
        }

        value = new FixedList<string>(names);
        error = new ValueError("an empty list");
        return names.Count > 0;
    }
}
