// The program in this process: its own folder, streams, clock and runner.
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli.Tests;

/// <summary>One use of the program. Everything it leaves is in <see cref="Folder"/> and gone at the end.</summary>
internal sealed class Session : IDisposable
{
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    /// <summary>A session with a runner that does what <see cref="FakeRunner"/> says, or another.</summary>
    public Session(IRunner? runner = null, bool terminal = false, int width = 120, string? journal = null)
    {
        Journal = journal;
        Runner = runner as FakeRunner ?? new FakeRunner();
        Clock = new FakeClock();
        Runner.Clock = Clock;
        Terminal = terminal;
        Width = width;
        Actual = runner ?? Runner;
        Scenario = Write("small.toml", Small);
    }

    /// <summary>A whole scenario with a variant.</summary>
    public const string Small = """
        name = "small"
        seed = 7
        [blade]
        ram = "64 MiB"
        swap = "640 MiB"
        page_cache = "8 MiB"
        kernel_resident = "6 MiB"
        server = "box"
        [blades.node]
        count = 2
        [servers.box]
        bandwidth = "1 Gbit/s"
        [variants.vanilla.blade]
        patches = "none"
        [variants.strict.expect]
        verdict = "completed"
        min_free_pages = ">= 100"
        """;

    public string Folder { get; } = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public string Scenario { get; }

    public FakeRunner Runner { get; }

    public FakeClock Clock { get; }

    public CancellationTokenSource Stop { get; } = new();

    public string Out => _out.ToString();

    public string Error => _error.ToString();

    public string RunsDir => Path.Combine(Folder, "runs");

    /// <summary>The folder that <c>runs/latest</c> points to.</summary>
    public string Latest => Path.Combine(RunsDir, "latest");

    private bool Terminal { get; }

    private int Width { get; }

    // Connection string of the journals' database; null for files.
    private string? Journal { get; }

    private IRunner Actual { get; }

    /// <summary>The real entry point with these arguments.</summary>
    public int Call(params string[] args) =>
        new CliApplication(Actual, new CliConsole(_out, _error, Terminal, Terminal, Width), Clock, journal: Journal)
            .Run(args, Stop.Token);

    /// <summary>The same, with something typed.</summary>
    public int CallWith(string typed, params string[] args)
    {
        using var input = new StringReader(typed);
        return new CliApplication(Actual, new CliConsole(_out, _error, Terminal, Terminal, Width), Clock, input, Journal)
            .Run(args, Stop.Token);
    }

    /// <summary>
    /// <c>run</c> on the small scenario, with the session's runs folder; without a journal, unless it is asked for.
    /// </summary>
    public int Run(params string[] args)
    {
        string[] journal = args.Contains("--journal") ? [] : ["--journal", "off"];
        return Call(["run", Scenario, "--runs-dir", RunsDir, .. journal, .. args]);
    }

    public string Write(string name, string text)
    {
        var path = Path.Combine(Folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose()
    {
        Stop.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}

/// <summary>A clock that stands still until it is moved.</summary>
internal sealed class FakeClock : TimeProvider
{
    private TimeSpan _elapsed;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Move(TimeSpan by) => _elapsed += by;

    public override long GetTimestamp() => _elapsed.Ticks;

    public override DateTimeOffset GetUtcNow() => new DateTimeOffset(2012, 7, 4, 12, 30, 15, TimeSpan.Zero) + _elapsed;
}

/// <summary>A runner that passes ten barriers and reports what it is told to.</summary>
internal sealed class FakeRunner : IRunner
{
    public const string Fingerprint = "00112233445566778899aabbccddeeff";

    /// <summary>How the run ends when nobody stops it.</summary>
    public Verdict Verdict { get; init; } = Verdict.Completed;

    public HangReport? Hang { get; init; }

    /// <summary>Thrown instead of a report.</summary>
    public Exception? Throws { get; init; }

    public long MinFreePages { get; init; } = 120;

    public int BladeCount { get; init; } = 2;

    /// <summary>Wall-clock time between barriers.</summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>What happens at a barrier, by its number from 1.</summary>
    public Action<int>? AtBarrier { get; set; }

    public FakeClock? Clock { get; set; }

    public RunRequest? Request { get; private set; }

    public RunReport Run(RunRequest request, CancellationToken cancel)
    {
        Request = request;
        for (var i = 1; i <= 10; i++)
        {
            Clock?.Move(Pace);
            AtBarrier?.Invoke(i);
            var ns = i * request.Scenario.BarrierIntervalNs;
            if (request.OnProgress?.Invoke(new RunProgress(ns, i * 100, 1_000, i * 1_000_000, i)) == false)
            {
                return Report(Verdict.Interrupted, ns, i * 1_000_000);
            }

            if (ns >= request.UntilNs)
            {
                return Report(Verdict.Unknown, ns, i * 1_000_000);
            }
        }

        return Throws is null ? Report(Verdict, 10_500_000_000, 10_000_000) : throw Throws;
    }

    private RunReport Report(Verdict verdict, long ns, long messages) => new()
    {
        Verdict = verdict,
        Fingerprint = Fingerprint,
        VirtualNs = ns,
        Messages = messages,
        Events = 42,
        LookaheadNs = 50_000,
        LookaheadLink = "node-0 - box",
        Hang = Hang,
        Notes = ["a note"],
        Statistics = [new("windows", 1234)],
        Blades = Enumerable.Range(0, BladeCount).Select(i => new BladeReport
        {
            Name = $"node-{i}",
            UserNs = 1_500_000_000,
            SystemNs = 2_000_000_001,
            ElapsedNs = ns,
            MinFreePages = MinFreePages + i,
            WatermarkMin = 256,
            WatermarkLow = 320,
            WatermarkHigh = 384,
            VmStat = [new("pswpin", 65_536), new("pswpout", 65_590), new("pgscan_direct_throttle", 14)],
            NetStat = [new("TCPTimeouts", 3)],
        }).ToArray(),
    };
}
