// The scenarios that are measured: those of config/, and blades of 64 MiB in any number.
using System.Text;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Benchmarks;

/// <summary>Scenarios by name and by number of blades.</summary>
public static class Scenarios
{
    private const int BladesPerServer = 16;

    /// <summary>The folder <c>config</c>.</summary>
    public static string Folder
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "ClusterSwap.sln")))
            {
                folder = folder.Parent;
            }

            return Path.Combine(folder?.FullName ?? ".", "config");
        }
    }

    /// <summary>A scenario of config/ in a variant.</summary>
    public static Scenario Of(string file, string? variant = null) =>
        ScenarioFile.Load(Path.Combine(Folder, file)).Resolve(variant);

    /// <summary>Blades of 64 MiB with 256 MiB mapped, sixteen on each server.</summary>
    public static Scenario Blades(int count)
    {
        var text = new StringBuilder(
            $"""
            extends = "quick.toml"
            name = "page-in"
            description = "One page-in through the whole stack."
            barrier_interval = "20 ms"

            [blades.blade]
            count = {Math.Min(count, BladesPerServer)}

            [servers.server]
            bandwidth = "10 Gbit/s"
            """);
        for (var (rack, left) = (1, count - BladesPerServer); left > 0; rack++, left -= BladesPerServer)
        {
            text.Append($"""


                [blades.rack{rack}]
                count = {Math.Min(left, BladesPerServer)}
                server = "server{rack}"

                [servers.server{rack}]
                bandwidth = "10 Gbit/s"
                """);
        }

        return ScenarioFile.Parse(text.ToString(), Path.Combine(Folder, "page-in.toml")).Resolve("swapnbd");
    }
}
