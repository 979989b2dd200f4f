// Runs with their journals, made once for all tests that look at them.
using System.Text.Json.Nodes;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Cli.Tests.Replaying;

/// <summary>A folder with two recorded runs of the quick scenario: one that hangs, one that completes.</summary>
public sealed class Recorded : IDisposable
{
    private readonly Session _session = new(new BladeRunner());

    public Recorded()
    {
        Hung = Record("vanilla", 11, "all");
        Done = Record("swapnbd", 0, "decisions");
    }

    /// <summary>Id of the run that hangs, every message recorded.</summary>
    public string Hung { get; }

    /// <summary>Id of the run that completes, its decisions recorded.</summary>
    public string Done { get; }

    public string RunsDir => _session.RunsDir;

    public static string Config(string file)
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ClusterSwap.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return Path.Combine(folder, "config", file);
    }

    /// <summary>The scenario that a run was made of.</summary>
    public Scenario ScenarioOf(string runId) =>
        ScenarioFile.Load(Path.Combine(RunsDir, runId, "scenario.toml")).Resolve();

    /// <summary>Runs the quick scenario, half as long, with many barriers and many checkpoints.</summary>
    public static string[] Quick(string variant, string level, params string[] more) =>
    [
        "run", Config("quick.toml"), "--variant", variant, "--quiet", "--set", "blade.passes=1", "--set",
        "barrier_interval=100 ms", "--journal", level, "--checkpoint-every", "1 ms", .. more,
    ];

    /// <summary>Calls the program on these runs; what it wrote, and its status.</summary>
    internal (int Status, string Out, string Error) Call(params string[] args)
    {
        using var session = new Session(new BladeRunner());
        var status = session.Call([.. args, "--runs-dir", RunsDir]);
        return (status, session.Out, session.Error);
    }

    /// <summary>Calls the program, which succeeds; its JSON.</summary>
    internal JsonObject Json(int status, params string[] args)
    {
        var file = Path.Combine(_session.Folder, $"{Guid.NewGuid():N}.json");
        var (got, output, error) = Call([.. args, "--json", file]);
        Assert.True(got == status, $"status {got} instead of {status}\n{output}\n{error}");
        return JsonNode.Parse(File.ReadAllText(file))!.AsObject();
    }

    public void Dispose() => _session.Dispose();

    private string Record(string variant, int status, string level)
    {
        Assert.Equal(status, _session.Call(Quick(variant, level, "--runs-dir", _session.RunsDir)));
        return new DirectoryInfo(_session.Latest).LinkTarget!;
    }
}
