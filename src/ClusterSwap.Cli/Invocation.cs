// How this process was started, so that the command it prints can be pasted.
using System.Reflection;

namespace ClusterSwap.Cli;

/// <summary>The program's version and the words that start it.</summary>
internal static class Invocation
{
    /// <summary>Version of the program.</summary>
    public static string Version { get; } =
        typeof(Invocation).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    /// <summary>
    /// <c>clusterswap</c>; for a build inside the source tree, the words that run the project from the current folder.
    /// </summary>
    public static string Program { get; } = FromSource(AppContext.BaseDirectory, Directory.GetCurrentDirectory());

    /// <summary>See <see cref="Program"/>.</summary>
    internal static string FromSource(string binaries, string current)
    {
        var bin = binaries.IndexOf($"{Path.DirectorySeparatorChar}bin{Path.DirectorySeparatorChar}");
        if (bin < 0 || !File.Exists(Path.Combine(binaries[..bin], "ClusterSwap.Cli.csproj")))
        {
            return "clusterswap";
        }

        var project = Path.GetRelativePath(current, binaries[..bin]);
        return $"dotnet run -c Release --project {project} --";
    }
}
