// The keys of a scenario, for documentation and tools.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>Lists what a scenario may hold.</summary>
public static class ScenarioKeys
{
    /// <summary>
    /// Path, allowed values and default of every key. <c>NAME</c> stands for a free name. Keys of variants are those of
    /// the file and are not repeated. A default is as it stands in a file; null means that the key must be given, an
    /// empty one that it has no value of its own.
    /// </summary>
    public static IEnumerable<(string Path, string Allowed, string? Default)> All() =>
        Walk(Schema.Root, "").Where(key => !key.Path.StartsWith("variants.", StringComparison.Ordinal));

    private static IEnumerable<(string Path, string Allowed, string? Default)> Walk(SchemaTable table, string prefix) =>
        table.Keys.SelectMany(key => key switch
        {
            { Table: { } below } => Walk(below, $"{prefix}{key.Name}."),
            { Named: { } named } => Walk(named, $"{prefix}{key.Name}.NAME."),
            _ => [(prefix + key.Name, key.Rule!.Allowed, key.Default)],
        });
}
