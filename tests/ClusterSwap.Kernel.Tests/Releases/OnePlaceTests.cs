// Every patch and every change is asked for at one place of the source: the one that holds its rule.
using System.Text.RegularExpressions;

namespace ClusterSwap.Kernel.Tests.Releases;

public sealed partial class OnePlaceTests
{
    [Fact]
    public void Every_patch_and_every_change_is_asked_for_at_one_place_only()
    {
        // Monitors look at what happened and say which rules they presuppose; nothing that happens depends on them.
        var monitors = Path.Combine(Root(), "src", "ClusterSwap.Exploration", "Properties");
        var places = new Dictionary<string, List<string>>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Root(), "src"), "*.cs", SearchOption.AllDirectories)
                     .Where(file => Path.GetDirectoryName(file) != monitors))
        {
            foreach (Match match in Question().Matches(File.ReadAllText(file)))
            {
                if (!places.TryGetValue(match.Groups[1].Value, out var files))
                {
                    places.Add(match.Groups[1].Value, files = []);
                }

                files.Add(Path.GetFileName(file));
            }
        }

        Assert.Empty(places.Where(p => p.Value.Count > 1).Select(p => $"{p.Key}: {string.Join(", ", p.Value)}"));
        Assert.All(Enum.GetNames<KernelChange>(), name => Assert.Contains("KernelChange." + name, places));
    }

    [GeneratedRegex(@"\bHas\((KernelChange\.\w+|\d+)\)")]
    private static partial Regex Question();

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ClusterSwap.sln")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new DirectoryNotFoundException("no solution above the tests");
        }

        return folder;
    }
}
