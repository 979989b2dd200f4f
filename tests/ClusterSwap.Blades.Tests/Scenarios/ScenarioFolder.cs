// A folder of scenario files for one test, and the repository's own files.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Tests.Scenarios;

/// <summary>Scenario files of one test; gone when it ends.</summary>
internal sealed class ScenarioFolder : IDisposable
{
    /// <summary>The smallest text that is a whole scenario. Line 4 is the first of [blade].</summary>
    public const string Small = """
        name = "small"

        [blade]
        ram = "64 MiB"
        swap = "640 MiB"
        page_cache = "8 MiB"
        kernel_resident = "6 MiB"
        server = "box"

        [blades.node]
        count = 1

        [servers.box]
        bandwidth = "1 Gbit/s"

        """;

    private readonly string _path = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    /// <summary>The root of the source tree.</summary>
    public static string Repository { get; } = FindRepository();

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, string text)
    {
        var path = Path.Combine(_path, name);
        File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Path of a file that is not written.</summary>
    public string At(string name) => Path.Combine(_path, name);

    /// <summary>The problems of a text as the user reads them, as if its file were named x.toml.</summary>
    public static string Problems(string text, string? variant = null, params string[] overrides) =>
        Assert.Throws<ScenarioException>(() => ScenarioFile.Parse(text, "x.toml").Resolve(variant, overrides)).Message;

    public void Dispose() => Directory.Delete(_path, recursive: true);

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
