// A PostgreSQL of one's own: in a temporary folder, on a unix socket, for the tests of a class.
using System.Diagnostics;
using System.Globalization;

namespace ClusterSwap.Journal.Tests;

/// <summary>
/// A cluster that belongs to the tests: it can be stopped, started again, and made to stall. Its one user needs a
/// password.
/// </summary>
public sealed class PrivatePostgres : IDisposable
{
    public const string Password = "s3cret-of-the-tests";

    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-pg-").FullName;
    private readonly string _programs;

    public PrivatePostgres()
    {
        _programs = Directory.Exists("/usr/lib/postgresql")
            ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
                .Where(bin => File.Exists(Path.Combine(bin, "initdb"))).Order(StringComparer.Ordinal).LastOrDefault("")
            : "";
        if (_programs.Length == 0)
        {
            throw new InvalidOperationException("these tests need PostgreSQL's server: apt-get install postgresql");
        }

        string passwordFile = Path.Combine(_folder, "password");
        File.WriteAllText(passwordFile, Password + "\n");
        if (IsRoot)
        {
            // PostgreSQL refuses to run as root.
            Execute("chown", "-R", "postgres", _folder);
        }

        Server("initdb", "-D", Data, "-U", "tester", "-A", "scram-sha-256", "--pwfile", passwordFile, "--no-sync");
        Start();
    }

    private static bool IsRoot => Environment.UserName == "root";

    private string Data => Path.Combine(_folder, "data");

    /// <summary>How to connect, with a password of choice, and how long that may take: a busy machine needs its time.</summary>
    public string ConnectionString(string password = Password, int timeoutSeconds = 60)
        => $"Host={_folder};Database=postgres;Username=tester;Password={password};Timeout={timeoutSeconds}";

    public void Start() => Server(
        "pg_ctl", "-D", Data, "-w", "-l", Path.Combine(_folder, "log"),
        "-o", $"-F -k {_folder} -c listen_addresses= -c shared_buffers=16MB", "start");

    /// <summary>Stops at once, as a crash would.</summary>
    public void Stop() => Server("pg_ctl", "-D", Data, "-m", "immediate", "-w", "stop");

    /// <summary>Stops or continues all its processes: it neither answers nor refuses.</summary>
    public void Signal(string signal)
    {
        string main = File.ReadLines(Path.Combine(Data, "postmaster.pid")).First();
        IEnumerable<string> children = Directory.EnumerateDirectories("/proc")
            .Select(Path.GetFileName)
            .Where(name => char.IsAsciiDigit(name![0]) && ParentOf(name) == main)!;
        Execute("kill", [$"-{signal}", main, .. children]);
    }

    public void Dispose()
    {
        Stop();
        Directory.Delete(_folder, recursive: true);
    }

    private static string ParentOf(string process)
    {
        try
        {
            // Behind the name, which is in brackets: state, parent.
            string stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1];
        }
        catch (IOException)
        {
            return "";
        }
    }

    private void Server(string program, params string[] arguments)
    {
        string path = Path.Combine(_programs, program);
        if (IsRoot)
        {
            Execute("runuser", ["-u", "postgres", "--", path, .. arguments]);
        }
        else
        {
            Execute(path, arguments);
        }
    }

    private void Execute(string program, params string[] arguments)
    {
        // The server inherits the output of whoever starts it: a pipe would stay open for as long as it runs.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = _folder };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("\"$0\" \"$@\" >/dev/null 2>&1");
        start.ArgumentList.Add(program);
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture, $"{program} {arguments[0]} ended with {process.ExitCode}"));
        }
    }
}
