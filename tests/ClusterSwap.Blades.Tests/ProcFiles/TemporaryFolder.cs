// A folder that is gone at the end of a test.
namespace ClusterSwap.Blades.Tests.ProcFiles;

/// <summary>A fresh folder.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
