// Reads TOML into a tree that keeps places. Syntax errors and duplicate keys end here.
using Tomlyn.Parsing;
using Tomlyn.Syntax;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Turns TOML text into a <see cref="TomlTable"/>.</summary>
internal sealed class TomlReader
{
    private readonly string _file;
    private readonly List<ScenarioProblem> _problems = [];

    // Tables that were opened by a header; a second header for one is a duplicate.
    private readonly HashSet<TomlTable> _opened = new(ReferenceEqualityComparer.Instance);

    private TomlReader(string file) => _file = file;

    /// <summary>Reads <paramref name="text"/>; <paramref name="file"/> is the name that places get.</summary>
    /// <exception cref="ScenarioException">The text is no TOML, or a key stands in it twice.</exception>
    public static TomlTable Read(string text, string file) => new TomlReader(file).ReadDocument(text);

    /// <summary>Reads one value as it may stand behind a key, or null when it is no TOML value.</summary>
    public static TomlNode? ReadValue(string text, SourcePlace place)
    {
        var document = SyntaxParser.Parse("value = " + text + "\n", place.File, validate: true);
        return document.HasErrors || document.Tables.ChildrenCount > 0 || document.KeyValues.ChildrenCount != 1
            ? null
            : Relocate(new TomlReader(place.File).Value(document.KeyValues.GetChild(0)!.Value!), place);
    }

    private static TomlNode Relocate(TomlNode node, SourcePlace place) => node is TomlList list
        ? new TomlList(place, list.Items.Select(item => Relocate(item, place)).ToArray())
        : node with { Place = place };

    private TomlTable ReadDocument(string text)
    {
        var document = SyntaxParser.Parse(text, _file, validate: false);
        FailOnDiagnostics(document);
        var root = new TomlTable(new SourcePlace(_file, 1, 1));
        ReadEntries(document.KeyValues, root, "");
        foreach (var table in document.Tables)
        {
            ReadTable(table, root);
        }

        if (_problems.Count > 0)
        {
            throw new ScenarioException(_problems);
        }

        // Rules of TOML that the tree above does not see, such as a header that reopens an inline table.
        FailOnDiagnostics(SyntaxParser.Parse(text, _file, validate: true));
        return root;
    }

    private void FailOnDiagnostics(DocumentSyntax document)
    {
        if (document.HasErrors)
        {
            throw new ScenarioException(document.Diagnostics
                .Select(d => new ScenarioProblem(
                    Place(d.Span), "", "not TOML: " + d.Message.Trim().TrimEnd('.'), "", "", null))
                .ToArray());
        }
    }

    private void ReadTable(TableSyntaxBase syntax, TomlTable root)
    {
        var name = syntax.Name!;
        if (Walk(root, Parts(name), out var last, "") is not { } parent)
        {
            return;
        }

        var path = string.Join('.', Parts(name).Select(p => p.Key));
        if (syntax is TableArraySyntax)
        {
            // No key of a scenario takes one; the schema says so when it is there once.
            if (parent.Find(last.Key)?.Value is not TomlOther)
            {
                Add(parent, last with { Value = new TomlOther(last.Place, $"[[{path}]]") }, path);
            }

            return;
        }

        var existing = parent.Find(last.Key);
        if (existing?.Value is not TomlTable table)
        {
            table = new TomlTable(last.Place);
            Add(parent, new TomlEntry(last.Key, last.Place, table), path);
        }
        else if (!_opened.Add(table))
        {
            Duplicate(last, path, existing.Place);
            return;
        }

        _opened.Add(table);
        ReadEntries(syntax.Items, table, path + ".");
    }

    private void ReadEntries(SyntaxList<KeyValueSyntax> entries, TomlTable table, string path)
    {
        foreach (var entry in entries)
        {
            var parts = Parts(entry.Key!);
            if (Walk(table, parts, out var last, path) is { } parent)
            {
                var full = path + string.Join('.', parts.Select(p => p.Key));
                Add(parent, new TomlEntry(last.Key, last.Place, Value(entry.Value!, full + ".")), full);
            }
        }
    }

    private void Add(TomlTable parent, TomlEntry entry, string path)
    {
        if (parent.Find(entry.Key) is { } first)
        {
            Duplicate(entry, path, first.Place);
            return;
        }

        parent.Put(entry);
    }

    private void Duplicate(TomlEntry entry, string path, SourcePlace first) =>
        _problems.Add(new ScenarioProblem(
            entry.Place, path, $"duplicate: it stands in line {first.Line} already", "", "each name once", null));

    // Goes down to the table that holds the last part of a dotted key, making tables on the way.
    private TomlTable? Walk(TomlTable table, List<TomlEntry> parts, out TomlEntry last, string path)
    {
        last = parts[^1];
        foreach (var part in parts.SkipLast(1))
        {
            path += part.Key + ".";
            var next = table.Find(part.Key);
            if (next is null)
            {
                next = part with { Value = new TomlTable(part.Place) };
                table.Put(next);
            }

            if (next.Value is not TomlTable below)
            {
                Duplicate(part, path.TrimEnd('.'), next.Place);
                return null;
            }

            table = below;
        }

        return table;
    }

    private List<TomlEntry> Parts(KeySyntax key)
    {
        var nothing = new TomlOther(default, "");
        List<TomlEntry> parts = [new(Text(key.Key!), Place(key.Key!.Span), nothing)];
        foreach (var item in key.DotKeys)
        {
            parts.Add(new TomlEntry(Text(item.Key!), Place(item.Key!.Span), nothing));
        }

        return parts;
    }

    private static string Text(BareKeyOrStringValueSyntax key) => key is StringValueSyntax quoted
        ? quoted.Value ?? ""
        : ((BareKeySyntax)key).Key!.Text!.Trim();

    private TomlNode Value(ValueSyntax value, string path = "")
    {
        var place = Place(value.Span);
        switch (value)
        {
            case StringValueSyntax text:
                return new TomlString(place, text.Value ?? "");
            case IntegerValueSyntax integer:
                return new TomlInteger(place, integer.Value);
            case BooleanValueSyntax boolean:
                return new TomlBoolean(place, boolean.Value);
            case ArraySyntax array:
                return new TomlList(place, array.Items.Select(item => Value(item.Value!)).ToArray());
            case InlineTableSyntax inline:
                var table = new TomlTable(place);
                foreach (var item in inline.Items)
                {
                    var parts = Parts(item.KeyValue!.Key!);
                    if (Walk(table, parts, out var last, path) is { } parent)
                    {
                        var full = path + string.Join('.', parts.Select(p => p.Key));
                        Add(parent, last with { Value = Value(item.KeyValue.Value!, full + ".") }, full);
                    }
                }

                return table;
            default:
                return new TomlOther(place, value.ToString()!.Trim());
        }
    }

    private SourcePlace Place(SourceSpan span) => new(_file, span.Start.Line + 1, span.Start.Column + 1);
}
