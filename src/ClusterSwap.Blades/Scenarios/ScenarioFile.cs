// A scenario's file with its base files: loading, variants, overrides.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>
/// A scenario file that was read with all the files it extends, and whose keys and values are all known. What depends
/// on several values at once is checked by <see cref="Resolve"/>, for the variant and overrides that it gets.
/// </summary>
public sealed class ScenarioFile
{
    private readonly TomlTable _tree;
    private readonly TomlTable _variants;

    private ScenarioFile(string path, TomlTable tree)
    {
        Path = path;
        _tree = tree;
        _variants = tree.Find("variants")?.Value as TomlTable ?? new TomlTable(new SourcePlace(path, 1, 1));
        Variants = new FixedList<string>([Scenario.BaseVariant, .. _variants.Entries.Select(entry => entry.Key)]);
    }

    /// <summary>The file, as the caller named it.</summary>
    public string Path { get; }

    /// <summary>Names of the variants in the order of the files, <see cref="Scenario.BaseVariant"/> first.</summary>
    public FixedList<string> Variants { get; }

    /// <summary>Reads a file and those it extends.</summary>
    /// <exception cref="ScenarioException">A file cannot be read, is no TOML, or holds what the schema
    /// refuses.</exception>
    public static ScenarioFile Load(string path) => new(path, LoadTree(path, [], null));

    /// <summary>Reads a scenario from text; what it extends is looked for beside <paramref name="name"/>.</summary>
    /// <exception cref="ScenarioException">As for <see cref="Load"/>.</exception>
    public static ScenarioFile Parse(string text, string name) =>
        new(name, Extend(text, name, [System.IO.Path.GetFullPath(name)]));

    /// <summary>Applies a variant, then overrides of the form <c>path=value</c>, and checks the whole.</summary>
    /// <param name="variant">Name of a variant; null for the file's own values.</param>
    /// <param name="overrides">Later ones win.</param>
    /// <exception cref="ScenarioException">Unknown variant, or values that do not go together.</exception>
    public Scenario Resolve(string? variant = null, IEnumerable<string>? overrides = null)
    {
        var tree = _tree;
        if (variant is not null and not Scenario.BaseVariant)
        {
            tree = tree.Merge((TomlTable)FindVariant(variant).Value);
        }

        foreach (var text in overrides ?? [])
        {
            tree = tree.Merge(ScenarioOverride.Read(text));
        }

        return new ScenarioBuilder(Path, variant).Build(tree);
    }

    private TomlEntry FindVariant(string name)
    {
        if (_variants.Find(name) is { } entry)
        {
            return entry;
        }

        var problem = new ScenarioProblem(
            new SourcePlace(Path, 0, 0), "variants", "unknown variant", '"' + name + '"',
            string.Join(", ", Variants), Nearest.Name(name, Variants) is { } meant ? '"' + meant + '"' : null);
        throw new ScenarioException(problem);
    }

    private static TomlTable LoadTree(string path, List<string> chain, TomlNode? extends)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var reason = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "there is no such file",
                _ when Directory.Exists(path) => "it is a directory",
                _ => e.Message.TrimEnd('.'),
            };
            throw new ScenarioException(extends is null
                ? new ScenarioProblem(
                    new SourcePlace(path, 0, 0), "", $"cannot be read: {reason}", "", "", NearestFile(path))
                : new ScenarioProblem(extends.Place, "extends", $"cannot be read: {reason}", extends.Show(),
                    "a file beside this one", NearestFile(path)));
        }

        return Extend(text, path, [.. chain, System.IO.Path.GetFullPath(path)]);
    }

    // The base file's tree with this file's on top.
    private static TomlTable Extend(string text, string path, List<string> chain)
    {
        var tree = TomlReader.Read(text, path);
        if (SchemaCheck.Run(tree, Schema.Root) is { Count: > 0 } problems)
        {
            throw new ScenarioException(problems);
        }

        if (tree.Find("extends")?.Value is not TomlString extends)
        {
            return tree;
        }

        var below = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(path) ?? "", extends.Text);
        var at = chain.IndexOf(System.IO.Path.GetFullPath(below));
        if (at >= 0)
        {
            var cycle = chain.Skip(at).Append(chain[at]).Select(file => System.IO.Path.GetFileName(file));
            throw new ScenarioException(new ScenarioProblem(
                extends.Place, "extends", "a cycle: " + string.Join(" extends ", cycle), extends.Show(),
                "a file that does not lead back here", null));
        }

        return LoadTree(below, chain, extends).Merge(tree);
    }

    private static string? NearestFile(string path)
    {
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        return Directory.Exists(folder)
            && Nearest.Name(System.IO.Path.GetFileName(path), Directory.EnumerateFiles(folder, "*.toml")
                .Select(file => System.IO.Path.GetFileName(file)).Order(StringComparer.Ordinal)) is { } name
            ? '"' + name + '"'
            : null;
    }
}
