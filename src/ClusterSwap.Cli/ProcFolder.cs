// The folder of --proc-dir, checked before the run starts.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Cli;

/// <summary>A folder that exists, is empty, and can be written; and how often it is written to.</summary>
public sealed class ProcFolder
{
    private ProcFolder(string folderPath, long everyNs)
    {
        FolderPath = folderPath;
        EveryNs = everyNs;
    }

    /// <summary>Its path, as the user named it.</summary>
    public string FolderPath { get; }

    /// <summary>Virtual time between two moments, ns: a multiple of the barrier interval.</summary>
    public long EveryNs { get; }

    /// <summary>Makes the folder if need be. Without <paramref name="everyNs"/>, every barrier is a moment.</summary>
    /// <exception cref="UsageException">The interval falls between barriers, the folder holds something, or it cannot
    /// be written.</exception>
    public static ProcFolder Open(string path, long? everyNs, Scenario scenario)
    {
        var barrierNs = scenario.BarrierIntervalNs;
        if (everyNs is { } every && every % barrierNs != 0)
        {
            var nearest = Math.Max(1, (every + barrierNs / 2) / barrierNs) * barrierNs;
            throw new UsageException(
                $"--proc-every: states can be seen at barriers only, which are {Units.Duration(barrierNs)} apart. "
                + $"Found: \"{Units.Duration(every)}\". Allowed: a multiple of that, such as "
                + $"\"{Units.Duration(nearest)}\"; or set barrier_interval.");
        }

        try
        {
            Directory.CreateDirectory(path);
            if (Directory.EnumerateFileSystemEntries(path).Any())
            {
                throw new UsageException(
                    $"--proc-dir: the folder is not empty, and moments of two runs must not mix. Found: \"{path}\"");
            }

            var probe = Path.Combine(path, ".probe");
            File.WriteAllText(probe, "");
            File.Delete(probe);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--proc-dir: cannot write to \"{path}\": {e.Message.TrimEnd('.')}");
        }

        return new ProcFolder(path, everyNs ?? barrierNs);
    }
}
