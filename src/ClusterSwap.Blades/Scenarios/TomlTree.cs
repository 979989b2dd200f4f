// A TOML text as a tree whose nodes remember where they stand.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>A node of a scenario's text.</summary>
internal abstract record TomlNode(SourcePlace Place)
{
    /// <summary>The node as a message shows it.</summary>
    public abstract string Show();
}

/// <summary>A table: keys in the order of the text.</summary>
internal sealed record TomlTable(SourcePlace Place) : TomlNode(Place)
{
    private readonly List<TomlEntry> _entries = [];

    /// <summary>Keys and what they hold, in order.</summary>
    public IReadOnlyList<TomlEntry> Entries => _entries;

    /// <summary>The entry of a key, or null.</summary>
    public TomlEntry? Find(string key) => _entries.Find(entry => entry.Key == key);

    /// <summary>Adds an entry, or puts it in the place of the one with its key.</summary>
    public void Put(TomlEntry entry)
    {
        var at = _entries.FindIndex(e => e.Key == entry.Key);
        if (at < 0)
        {
            _entries.Add(entry);
        }
        else
        {
            _entries[at] = entry;
        }
    }

    /// <summary>A copy of this with every value of <paramref name="over"/> added or in the place of this
    /// one's.</summary>
    public TomlTable Merge(TomlTable over)
    {
        var merged = new TomlTable(Place);
        merged._entries.AddRange(_entries);
        foreach (var entry in over._entries)
        {
            merged.Put(entry.Value is TomlTable table && merged.Find(entry.Key)?.Value is TomlTable below
                ? entry with { Value = below.Merge(table) }
                : entry);
        }

        return merged;
    }

    /// <inheritdoc/>
    public override string Show() => "a table";
}

/// <summary>A key, where it stands, and what it holds.</summary>
internal sealed record TomlEntry(string Key, SourcePlace Place, TomlNode Value);

/// <summary>A string.</summary>
internal sealed record TomlString(SourcePlace Place, string Text) : TomlNode(Place)
{
    /// <inheritdoc/>
    public override string Show() => '"' + Text + '"';
}

/// <summary>An integer.</summary>
internal sealed record TomlInteger(SourcePlace Place, long Value) : TomlNode(Place)
{
    /// <inheritdoc/>
    public override string Show() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>A truth value.</summary>
internal sealed record TomlBoolean(SourcePlace Place, bool Value) : TomlNode(Place)
{
    /// <inheritdoc/>
    public override string Show() => Value ? "true" : "false";
}

/// <summary>An array.</summary>
internal sealed record TomlList(SourcePlace Place, IReadOnlyList<TomlNode> Items) : TomlNode(Place)
{
    /// <inheritdoc/>
    public override string Show() => "[" + string.Join(", ", Items.Select(item => item.Show())) + "]";
}

/// <summary>Something that no key of a scenario takes: a fraction, a date, an array of tables.</summary>
internal sealed record TomlOther(SourcePlace Place, string Text) : TomlNode(Place)
{
    /// <inheritdoc/>
    public override string Show() => Text;
}
