// Nodes on this machine, processes of this same program.
using System.Diagnostics;
using ClusterSwap.Clustering;

namespace ClusterSwap.Cli.Nodes;

/// <summary>
/// Starts node processes and takes them down. Each holds the reading end of a pipe whose writing end is here, so it ends
/// when this process does, however that happens.
/// </summary>
internal sealed class LocalNodes : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly List<Child> _children = [];
    private readonly NodeHost _host;
    private readonly Action<string> _tell;
    private volatile bool _ending;

    /// <summary>Starts so many processes that join <paramref name="host"/>.</summary>
    /// <param name="host">This process.</param>
    /// <param name="count">How many.</param>
    /// <param name="arguments">Options of their own.</param>
    /// <param name="folder">Where their logs go.</param>
    /// <param name="tell">Told when one ends by itself.</param>
    public LocalNodes(NodeHost host, int count, IReadOnlyList<string> arguments, string folder, Action<string> tell)
    {
        _host = host;
        _tell = tell;
        var seed = host.Address[(host.Address.IndexOf('@') + 1)..];
        try
        {
            for (var i = 1; i <= count; i++)
            {
                _children.Add(Start(i, seed, arguments, folder));
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Why one did not start; null when all did, or may.</summary>
    public string? Failure { get; private set; }

    /// <summary>Asks all to end, and sees to it that they do.</summary>
    public void Dispose()
    {
        _ending = true;
        foreach (var child in _children)
        {
            child.Process.StandardInput.Dispose();
        }

        var since = Stopwatch.GetTimestamp();
        foreach (var child in _children)
        {
            var left = s_patience - Stopwatch.GetElapsedTime(since);
            if (!child.Process.WaitForExit(left > TimeSpan.Zero ? left : TimeSpan.Zero))
            {
                child.Process.Kill();
                child.Process.WaitForExit();
            }

            child.Process.Dispose();
            File.Delete(child.ReadyFile);
        }
    }

    private Child Start(int number, string seed, IReadOnlyList<string> arguments, string folder)
    {
        var ready = Path.GetFullPath(Path.Combine(folder, $".node-{number}.ready"));
        var log = Path.GetFullPath(Path.Combine(folder, $"node-{number}.log"));
        var start = OwnProgram();
        foreach (var word in (string[])
        [
            "node", "--seed-node", seed, "--bind", "127.0.0.1", "--with-parent", "--ready-file", ready, "--log-file", log,
            .. arguments,
        ])
        {
            start.ArgumentList.Add(word);
        }

        NodeEnvironment.Clear(start.Environment);
        start.RedirectStandardInput = true;
        var process = Process.Start(start) ?? throw new InvalidOperationException("a node process does not start");
        var child = new Child(number, process, ready, log);
        process.Exited += (_, _) => OnExit(child);
        process.EnableRaisingEvents = true;
        return child;
    }

    /// <summary>How this program was started: by itself, or by <c>dotnet</c>.</summary>
    private static ProcessStartInfo OwnProgram()
    {
        var path = Environment.ProcessPath!;
        if (Path.GetFileNameWithoutExtension(path) == "clusterswap")
        {
            return new ProcessStartInfo(path);
        }

        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "clusterswap.dll"));
        return start;
    }

    // That a child has ended is certain: nobody has to wait for a failure detector to find it out.
    private void OnExit(Child child)
    {
        if (_ending)
        {
            return;
        }

        var address = File.Exists(child.ReadyFile) ? File.ReadAllText(child.ReadyFile).Trim() : "";
        var lines = File.Exists(child.LogFile) ? File.ReadLines(child.LogFile).LastOrDefault("") : "";
        if (address.Length == 0)
        {
            Failure = $"node {child.Number} did not start: {lines} (its log: {child.LogFile})";
            return;
        }

        _tell($"node {address} has ended (its log: {child.LogFile})");
        _host.Down(address);
    }

    private sealed record Child(int Number, Process Process, string ReadyFile, string LogFile);
}
