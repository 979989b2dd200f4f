// The built program in processes of its own.
using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace ClusterSwap.Cluster.Tests;

/// <summary>What a process that has ended leaves.</summary>
internal sealed record Ended(int Status, string Out, string Error);

/// <summary>A process of the program, with what it has written so far.</summary>
internal sealed class Program : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _out = new();
    private readonly StringBuilder _error = new();

    public Program(string folder, params string[] args)
    {
        // What runs the tests in the background of a script ignores SIGINT, and so would all that comes from it.
        var start = new ProcessStartInfo("env")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.ArgumentList.Add("--default-signal=INT");
        start.ArgumentList.Add(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "clusterswap.dll"));
        Array.ForEach(args, start.ArgumentList.Add);
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(_out, line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_error, line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>Waits until it has written something that matches, to either stream; the first group of it.</summary>
    public string Await(string pattern)
    {
        long since = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(since) < Programs.Patience)
        {
            Match match = Regex.Match(Text, pattern);
            if (match.Success)
            {
                return match.Groups[^1].Value;
            }

            Assert.False(_process.HasExited && !Regex.IsMatch(Text, pattern), $"it ended without \"{pattern}\":\n{Text}");
            lock (_out)
            {
                Monitor.Wait(_out, 100);
            }
        }

        Assert.Fail($"\"{pattern}\" never came:\n{Text}");
        return "";
    }

    /// <summary>Waits for something that it does; what it left in its folder is told when that does not come.</summary>
    public void Until(Func<bool> holds, string what)
    {
        bool came = Programs.Comes(() => holds() || _process.HasExited);
        Assert.True(holds(), $"{(came ? "it ended before" : "it never came to pass that")} {what}:\n{Text}\n{Logs}");
    }

    public void Signal(string name) => Programs.Signal(Id, name);

    public Ended Wait()
    {
        Assert.True(_process.WaitForExit(Programs.Patience), $"it never ended:\n{Text}");
        _process.WaitForExit();
        return new Ended(_process.ExitCode, _out.ToString(), _error.ToString());
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private string Logs => string.Join('\n', Directory.GetFiles(_process.StartInfo.WorkingDirectory, "*.log", SearchOption.AllDirectories)
        .Where(file => !file.Contains("latest"))
        .Select(file => $"{file}:\n{string.Join('\n', Programs.Read(file).Split('\n').Where(line => !line.Contains("Checkpoint at")))}"));

    private string Text
    {
        get
        {
            lock (_out)
            {
                return _out.ToString() + _error;
            }
        }
    }

    private void Append(StringBuilder text, string? line)
    {
        lock (_out)
        {
            text.AppendLine(line);
            Monitor.PulseAll(_out);
        }
    }
}

/// <summary>Processes of this machine, and a folder for what they leave.</summary>
internal static class Programs
{
    /// <summary>How long anything may take, on however busy a machine, before a test says that it hangs.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromMinutes(4);

    public static string Repository { get; } = FindRepository();

    /// <summary>Sends a signal.</summary>
    public static void Signal(int process, string name)
    {
        using var kill = Process.Start("kill", ["-s", name, process.ToString()]);
        kill.WaitForExit();
    }

    /// <summary>Children of a process.</summary>
    public static int[] ChildrenOf(int parent) =>
    [
        .. Directory.GetDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _))
            .Select(int.Parse!).Where(id => ParentOf(id) == parent),
    ];

    /// <summary>Whether a process lives; one that has ended and was not waited for does not.</summary>
    public static bool Lives(int process)
        => File.Exists($"/proc/{process}/stat") && StatOf(process) is [var state, ..] && state != "Z";

    /// <summary>Waits for something outside this process.</summary>
    public static void Until(Func<bool> holds, string what)
        => Assert.True(Comes(holds), $"it never came to pass that {what}");

    /// <summary>Waits for something outside this process; false when it does not come.</summary>
    public static bool Comes(Func<bool> holds)
    {
        long since = Stopwatch.GetTimestamp();
        bool came;
        while (!(came = holds()) && Stopwatch.GetElapsedTime(since) < Patience)
        {
            // A look costs more than the time between two looks matters.
            Thread.Sleep(20);
        }

        return came;
    }

    /// <summary>A file that another process may be writing.</summary>
    public static string Read(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private static int ParentOf(int process) => StatOf(process) is [_, var parent, ..] ? int.Parse(parent) : 0;

    // What follows the name, which may hold anything and ends with the last bracket.
    private static string[] StatOf(int process)
    {
        try
        {
            string text = File.ReadAllText($"/proc/{process}/stat");
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static string FindRepository()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ClusterSwap.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }
}
