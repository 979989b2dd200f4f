// An override from the command line: path=value.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>Reads one override into a tree that can be laid over a scenario's.</summary>
internal static class ScenarioOverride
{
    /// <summary>
    /// Reads <c>blade.swap=2 GiB</c>. The value is TOML if it can be read as TOML, and otherwise a string, so that
    /// quotes, which a shell takes away, are not needed.
    /// </summary>
    /// <exception cref="ScenarioException">No path, no value, an unknown key, or a value that the key
    /// refuses.</exception>
    public static TomlTable Read(string text)
    {
        var place = SourcePlace.CommandLine;
        var equals = text.IndexOf('=');
        var path = equals < 0 ? [] : text[..equals].Trim().Split('.');
        var value = text[(equals + 1)..].Trim();
        if (path.Length == 0 || value.Length == 0 || path.Any(part => part.Length == 0))
        {
            throw new ScenarioException(new ScenarioProblem(
                place, "", "no override", '"' + text + '"', "path=value, such as blade.swap=\"2 GiB\"", null));
        }

        var node = TomlReader.ReadValue(value, place) ?? new TomlString(place, value);
        for (var i = path.Length - 1; i >= 0; i--)
        {
            var table = new TomlTable(place);
            table.Put(new TomlEntry(path[i], place, node));
            node = table;
        }

        var tree = (TomlTable)node;
        var problems = SchemaCheck.Run(tree, Schema.Values);
        return problems.Count == 0 ? tree : throw new ScenarioException(problems);
    }
}
