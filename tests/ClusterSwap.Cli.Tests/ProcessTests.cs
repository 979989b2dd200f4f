// The built program, in processes of its own: nothing of a run survives but what is in its checkpoint.
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ClusterSwap.Cli.Tests;

public sealed class ProcessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("swapnbd", 0)]
    [InlineData("swapnbd-slab", 0)]
    public void A_run_handed_from_process_to_process_is_the_uninterrupted_run(string variant, int status)
    {
        var whole = Run(status, variant, "--json", At("whole.json"));
        string[] barriers = ["0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"];
        string[] restore = [];
        foreach (var barrier in barriers)
        {
            var file = At($"{barrier}.checkpoint");
            Run(2, variant, [.. restore, "--until", barrier, "--checkpoint", file, "--checkpoint-at", barrier]);
            restore = ["--restore", file];
        }

        var last = Run(status, variant, [.. restore, "--json", At("last.json"), "--threads", "2"]);
        Assert.Equal(whole, last);
        Assert.Equal(Summary("whole.json"), Summary("last.json"));
    }

    [Fact]
    public void A_checkpoint_of_another_seed_is_refused()
    {
        var file = At("seed-1.checkpoint");
        Run(2, "swapnbd", "--until", "0.1 s", "--checkpoint", file, "--checkpoint-at", "0.1 s");
        var (status, _, error) = Start("swapnbd", "--seed", "2", "--restore", file);
        Assert.Equal(64, status);
        Assert.Contains("the checkpoint is of another simulation", error, StringComparison.Ordinal);
    }

    private string At(string name) => Path.Combine(_folder, name);

    /// <summary>Runs to the expected status; the fingerprint.</summary>
    private string Run(int expected, string variant, params string[] args)
    {
        var (status, output, error) = Start(variant, args);
        Assert.True(status == expected, $"status {status} instead of {expected}\n{output}\n{error}");
        return output.Split(' ', StringSplitOptions.TrimEntries)[1];
    }

    private (int Status, string Out, string Error) Start(string variant, params string[] args)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = _folder,
        };
        string[] all =
        [
            Path.Combine(AppContext.BaseDirectory, "clusterswap.dll"), "run", Path.Combine(Repository(), "config", "quick.toml"),
            "--variant", variant, "--quiet", "--set", "blade.passes=1", "--set", "barrier_interval=100 ms",
            "--journal", "off", .. args,
        ];
        foreach (var arg in all)
        {
            start.ArgumentList.Add(arg);
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }

    /// <summary>What depends on scenario and seed only.</summary>
    private string Summary(string name)
    {
        var summary = JsonNode.Parse(File.ReadAllText(At(name)))!.AsObject();
        foreach (var field in new[] { "run_id", "wall_seconds", "command", "statistics", "lookahead_ns", "lookahead_link" })
        {
            Assert.True(summary.Remove(field));
        }

        return summary.ToJsonString(new JsonSerializerOptions { WriteIndented = true });
    }

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ClusterSwap.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
