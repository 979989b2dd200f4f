// Holds a tree against the schema: every key known, every value readable.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>Finds every key and value of a tree that the schema does not allow.</summary>
internal sealed class SchemaCheck
{
    private readonly List<ScenarioProblem> _problems = [];

    /// <summary>Problems of <paramref name="tree"/>, in order of the text; empty when it is clean.</summary>
    public static IReadOnlyList<ScenarioProblem> Run(TomlTable tree, SchemaTable schema)
    {
        var check = new SchemaCheck();
        check.Table(tree, schema, "");
        return check._problems
            .OrderBy(problem => problem.Place.Line)
            .ThenBy(problem => problem.Place.Column)
            .ToArray();
    }

    private void Table(TomlTable tree, SchemaTable schema, string path)
    {
        foreach (var entry in tree.Entries)
        {
            if (schema.Find(entry.Key) is { } key)
            {
                Entry(entry, key, path + entry.Key);
                continue;
            }

            var known = schema.Keys.Select(k => k.Name).Order(StringComparer.Ordinal).ToArray();
            var meant = Nearest.Name(entry.Key, known);
            Report(entry.Place, path + entry.Key, "unknown key", $"{entry.Key} = {entry.Value.Show()}",
                string.Join(", ", known), meant is null ? null : path + meant);
        }
    }

    private void Entry(TomlEntry entry, SchemaKey key, string path)
    {
        if (key.Rule is { } rule)
        {
            if (!rule.TryRead(entry.Value, out _, out var error))
            {
                Report(entry.Value.Place, path, error.What, entry.Value.Show(), rule.Allowed, error.Meant);
            }
        }
        else if (entry.Value is not TomlTable table)
        {
            Report(entry.Value.Place, path, "wrong type", entry.Value.Show(), $"a table, as in [{path}]", null);
        }
        else if (key.Table is { } schema)
        {
            Table(table, schema, path + ".");
        }
        else
        {
            Named(table, key.Named!, path);
        }
    }

    private void Named(TomlTable table, SchemaTable schema, string path)
    {
        foreach (var entry in table.Entries)
        {
            var full = $"{path}.{entry.Key}";
            if (!TextRule.Fits(entry.Key))
            {
                Report(entry.Place, full, "not a name", '"' + entry.Key + '"', new TextRule(true).Allowed, null);
            }
            else if (path == "variants" && entry.Key == Scenario.BaseVariant)
            {
                Report(entry.Place, full, $"{Scenario.BaseVariant} is the file without a variant", entry.Key,
                    "any other name", null);
            }
            else if (entry.Value is TomlTable inner)
            {
                Table(inner, schema, full + ".");
            }
            else if (entry.Value is not TomlBoolean { Value: false } || path == "variants")
            {
                Report(entry.Value.Place, full, "wrong type", entry.Value.Show(),
                    $"a table, as in [{full}]" + (path == "variants" ? "" : ", or false to leave it out"), null);
            }
        }
    }

    private void Report(SourcePlace place, string key, string what, string found, string allowed, string? meant) =>
        _problems.Add(new ScenarioProblem(place, key, what, found, allowed, meant));
}

/// <summary>A table that passed the check: its values by key, with defaults, and the place of each.</summary>
internal sealed class CheckedTable(TomlTable tree, SchemaTable schema, string path, SourcePlace place)
{
    /// <summary>Where the table stands.</summary>
    public SourcePlace Start { get; } = place;

    /// <summary>Full path of one of its keys.</summary>
    public string Path(string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>Indicates that a value was given.</summary>
    public bool Has(string key) => tree.Find(key) is not null;

    /// <summary>Where the value of a key stands, or the table when the key has its default.</summary>
    public SourcePlace Place(string key) => tree.Find(key)?.Value.Place ?? Start;

    /// <summary>The value as a message shows it.</summary>
    public string Show(string key) => tree.Find(key)?.Value.Show() ?? schema.Find(key)!.Default + " (default)";

    /// <summary>A value: the one given, else the default.</summary>
    public T Get<T>(string key)
    {
        var known = schema.Find(key)!;
        var node = tree.Find(key)?.Value ?? TomlReader.ReadValue(known.Default!, Start);
        return known.Rule!.TryRead(node!, out var value, out var error)
            ? (T)value
            : throw new InvalidOperationException($"the schema's default of {Path(key)} is refused: {error.What}");
    }

    /// <summary>An integer that the schema holds within 31 bits.</summary>
    public int Int(string key) => checked((int)Get<long>(key));

    /// <summary>A table below; empty when none was given.</summary>
    public CheckedTable Below(string key) => new(
        tree.Find(key)?.Value as TomlTable ?? new TomlTable(Start), schema.Find(key)!.Table!, Path(key), Place(key));

    /// <summary>Keys that are given here, in order.</summary>
    public IEnumerable<string> Given => tree.Entries.Select(entry => entry.Key);
}
