// A disk that is really full: a small one of its own, in memory.
using System.Diagnostics;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli.Tests.Replaying;

public sealed class DiskFullTests : IDisposable
{
    // Three lives of the program on one disk, which gets room after the first. A mount namespace of its own hides and ends it.
    private const string Script = """
        set -e
        mount -t tmpfs -o size=1m tmpfs "$DISK"
        set +e
        "$@" run "$SCENARIO" --variant swapnbd --quiet --set blade.passes=1 --set "barrier_interval=100 ms" --journal all \
            --checkpoint-every "50 ms" --runs-dir "$DISK/runs"
        echo "run ended with $?"
        "$@" runs show latest --runs-dir "$DISK/runs"
        echo "show ended with $?"
        mount -o remount,size=64m "$DISK"
        "$@" replay latest --resume --quiet --runs-dir "$DISK/runs"
        echo "resume ended with $?"
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_full_disk_ends_the_run_with_a_text_and_it_goes_on_when_there_is_room()
    {
        using var whole = new Session(new BladeRunner());
        Assert.Equal(0, whole.Call(Recorded.Quick("swapnbd", "off", "--runs-dir", whole.RunsDir)));
        var fingerprint = whole.Out.Split(' ')[1];

        var start = new ProcessStartInfo("unshare") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] args =
        [
            Environment.UserName == "root" ? "-m" : "-rm", "/bin/sh", "-c", Script, "sh",
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", Path.Combine(AppContext.BaseDirectory, "clusterswap.dll"),
        ];
        Array.ForEach(args, start.ArgumentList.Add);
        start.Environment["DISK"] = _folder;
        start.Environment["SCENARIO"] = Recorded.Config("quick.toml");
        using var process = Process.Start(start)!;
        var reading = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var error = await reading;
        Assert.True(process.ExitCode == 0, "this test mounts a disk of its own: as root, or in a user namespace. " + error);

        Assert.Contains("run ended with 64", output, StringComparison.Ordinal);
        Assert.Contains("the disk is full. Make room, or put runs elsewhere with --runs-dir", error, StringComparison.Ordinal);
        Assert.Contains("Then go on with the run: clusterswap run --resume ", error, StringComparison.Ordinal);
        Assert.Contains("verdict       unfinished", output, StringComparison.Ordinal);
        Assert.Contains("show ended with 0", output, StringComparison.Ordinal);
        Assert.Contains($"completed {fingerprint}", output, StringComparison.Ordinal);
        Assert.Contains("resume ended with 0", output, StringComparison.Ordinal);
    }
}
