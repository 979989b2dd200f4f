// Where Akka would write to standard output when its loggers have ended: nowhere, for that belongs to the program.
using Akka.Event;

namespace ClusterSwap.Clustering;

/// <summary>Drops what it is told.</summary>
public sealed class SilentLogger : MinimalLogger
{
    /// <inheritdoc/>
    protected override void Log(object message)
    {
    }
}
