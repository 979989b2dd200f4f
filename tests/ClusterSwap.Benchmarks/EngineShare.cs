// How much of a run's CPU goes to the engine: stack samples of this process, taken by the runtime's own profiler.
using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing.Etlx;
using Microsoft.Diagnostics.Tracing.Parsers;

namespace ClusterSwap.Benchmarks;

/// <summary>Shares of the samples that hit simulation code.</summary>
/// <param name="Engine">Ring, heap, dispatch, fingerprint, and Akka below them.</param>
/// <param name="Samples">Samples counted.</param>
public readonly record struct EngineShare(double Engine, int Samples)
{
    private const string Sampler = "Microsoft-DotNETCore-SampleProfiler";
    private const string Runtime = "Microsoft-Windows-DotNETRuntime";

    /// <summary>
    /// Samples a piece of work on this thread, up to a thousand times a second. The runtime samples where it can
    /// suspend a thread, so short leaf methods count towards their callers.
    /// </summary>
    public static EngineShare Of(Action work)
    {
        var file = Path.Combine(Path.GetTempPath(), $"clusterswap-{Environment.ProcessId}.nettrace");
        try
        {
            Record(work, file);
            return Read(file);
        }
        finally
        {
            File.Delete(file);
            File.Delete(Path.ChangeExtension(file, ".etlx"));
        }
    }

    private static void Record(Action work, string file)
    {
        EventPipeProvider[] providers =
        [
            new(Sampler, EventLevel.Informational),
            new(Runtime, EventLevel.Informational, (long)ClrTraceEventParser.Keywords.Default),
        ];
        var client = new DiagnosticsClient(Environment.ProcessId);
        using var session = client.StartEventPipeSession(providers, requestRundown: true, circularBufferMB: 256);
        var copy = new Thread(() =>
        {
            using var output = File.Create(file);
            session.EventStream.CopyTo(output);
        });
        copy.Start();
        work();
        session.Stop();
        copy.Join();
    }

    private static EngineShare Read(string file)
    {
        var etlx = TraceLog.CreateFromEventPipeDataFile(file);
        using var log = new TraceLog(etlx);
        int all = 0, engine = 0;
        foreach (var sample in log.Events.Where(e => e.ProviderName == Sampler && e.CallStack() is not null))
        {
            var owner = OwnerOf(sample.CallStack());
            all += owner == Owner.None ? 0 : 1;
            engine += owner == Owner.Engine ? 1 : 0;
        }

        return new EngineShare((double)engine / Math.Max(all, 1), all);
    }

    // A sample belongs to the innermost frame that is ours or Akka's; samples of threads without one are not counted.
    private static Owner OwnerOf(TraceCallStack? stack)
    {
        var innermost = Owner.None;
        var inRun = false;
        for (; stack is not null; stack = stack.Caller)
        {
            var method = stack.CodeAddress.FullMethodName;
            inRun |= method.StartsWith("ClusterSwap.Engine.Partition", StringComparison.Ordinal);
            if (innermost == Owner.None)
            {
                innermost = OwnerOf(method);
            }
        }

        return inRun ? innermost : Owner.None;
    }

    private static Owner OwnerOf(string method)
    {
        if (method.Contains(".Fold(", StringComparison.Ordinal))
        {
            return Owner.Engine;
        }

        // The CPUs of a host are simulated, as its memory is: they are no part of the engine's cost.
        if (method.StartsWith("ClusterSwap.Engine.CpuModel", StringComparison.Ordinal))
        {
            return Owner.Simulation;
        }

        if (method.StartsWith("ClusterSwap.Engine.", StringComparison.Ordinal)
            || method.StartsWith("Akka.", StringComparison.Ordinal))
        {
            return Owner.Engine;
        }

        return method.StartsWith("ClusterSwap.", StringComparison.Ordinal) ? Owner.Simulation : Owner.None;
    }

    private enum Owner
    {
        None,
        Simulation,
        Engine,
    }
}
