// Progress of long replays on standard error.
using ClusterSwap.Blades.Replaying;

namespace ClusterSwap.Cli.Replaying;

/// <summary>One line, rewritten once a second on a terminal; elsewhere a plain line every ten seconds.</summary>
internal sealed class ReplayProgress(CliConsole console, TimeProvider clock, bool wanted)
{
    private readonly long _began = clock.GetTimestamp();
    private long _told = clock.GetTimestamp();
    private bool _open;

    /// <summary>Wall-clock time since the beginning.</summary>
    public TimeSpan Elapsed => clock.GetElapsedTime(_began);

    /// <summary>Tells how far it is.</summary>
    public void At(long virtualNs, long endNs) =>
        Tell($"virtual {Moments.Seconds(virtualNs)} of {Moments.Seconds(endNs)}");

    /// <summary>Tells something.</summary>
    public void Tell(string text)
    {
        var pause = TimeSpan.FromSeconds(console.ErrorIsTerminal ? 1 : 10);
        if (!wanted || clock.GetElapsedTime(_told) < pause)
        {
            return;
        }

        _told = clock.GetTimestamp();
        _open = console.ErrorIsTerminal;
        console.Error.Write(console.ErrorIsTerminal ? $"\r{text}\x1b[K" : text + Environment.NewLine);
    }

    /// <summary>Ends the line.</summary>
    public void End()
    {
        if (_open)
        {
            console.Error.Write("\r\x1b[K");
            _open = false;
        }
    }
}
