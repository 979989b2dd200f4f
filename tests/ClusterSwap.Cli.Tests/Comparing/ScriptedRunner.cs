// A runner whose runs end as a table says.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Tests.Comparing;

/// <summary>
/// A patched run takes 10 s and one more per seed; an unpatched one hangs at the virtual second of its seed. Its only
/// blade passes barriers as a real one does.
/// </summary>
internal sealed class ScriptedRunner : IRunner
{
    private int _begun;

    /// <summary>Seeds whose unpatched runs complete.</summary>
    public ulong[] Lucky { get; init; } = [];

    /// <summary>Called before each run with its number from 1.</summary>
    public Action<int>? AtRun { get; init; }

    /// <summary>Runs of this seed break.</summary>
    public ulong? Breaks { get; init; }

    public RunReport Run(RunRequest request, CancellationToken cancel)
    {
        AtRun?.Invoke(Interlocked.Increment(ref _begun));
        if (request.Seed == Breaks)
        {
            throw new InvalidOperationException("free pages: -1");
        }

        if (request.OnProgress?.Invoke(new RunProgress(1, 1, 2, 3, 4)) == false)
        {
            return Report(request, Verdict.Interrupted, 1);
        }

        var hangs = request.Variant == "vanilla" && !Lucky.Contains(request.Seed);
        return Report(request, hangs ? Verdict.Deadlock : Verdict.Completed, 10 + (long)request.Seed);
    }

    private static RunReport Report(RunRequest request, Verdict verdict, long seconds)
    {
        var ns = seconds * 1_000_000_000;
        var seed = (long)request.Seed;
        var patched = request.Variant == "vanilla" ? 1 : 2;
        return new RunReport
        {
            Verdict = verdict,
            Fingerprint = $"{seed:x32}",
            VirtualNs = ns,
            Messages = 1,
            Events = 1,
            Hang = verdict == Verdict.Deadlock
                ? new HangReport("node: deadlock.", ["a circle"]) { Blade = "node", SinceNs = seed * 1_000_000_000 }
                : null,
            Blades =
            [
                new BladeReport
                {
                    Name = "node",
                    UserNs = 500_000_000,
                    SystemNs = patched * 1_000_000_000L + seed,
                    ElapsedNs = ns / patched,
                    MinFreePages = 100 * patched,
                    WatermarkMin = 256,
                    WatermarkLow = 320,
                    WatermarkHigh = 384,
                    FreePages =
                    [
                        new FreePagesSample(500_000_000, 300, 9_000),
                        new FreePagesSample(1_500_000_000, 100, 310),
                        new FreePagesSample(ns, 200, 400),
                    ],
                    VmStat = [new("pswpin", 1_000 * seed), new("pswpout", 2_000 * patched), new("oom_kill", 0)],
                    NetStat = [new("TCPTimeouts", 3)],
                },
            ],
        };
    }
}
