// The smallest blades, of config/tiny.toml.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Exploration.Tests;

internal static class Tiny
{
    public static string Repository { get; } = FindRepository();

    /// <summary>A variant of the scenario with overrides.</summary>
    public static Scenario Scenario(string? variant = null, params string[] overrides) => Of("tiny.toml", variant, overrides);

    /// <summary>A variant of a scenario of config/ with overrides.</summary>
    public static Scenario Of(string file, string? variant = null, params string[] overrides) =>
        ScenarioFile.Load(Path.Combine(Repository, "config", file)).Resolve(variant, overrides);

    private static string FindRepository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ClusterSwap.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
