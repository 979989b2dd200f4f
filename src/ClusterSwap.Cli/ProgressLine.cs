// What the user sees while a run goes on.
using System.Globalization;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Cli;

/// <summary>
/// On a terminal, one line that is rewritten once a second; elsewhere a plain line every ten seconds, without control
/// characters.
/// </summary>
public sealed class ProgressLine
{
    private const int SecondsOnTerminal = 1;
    private const int SecondsElsewhere = 10;
    private const string ToLineStart = "\r";
    private const string ClearToLineEnd = "\u001b[K";

    private readonly CliConsole _console;
    private readonly TimeProvider _clock;
    private readonly bool _shown;
    private readonly long _start;
    private long _lastShown;
    private RunProgress _first;
    private RunProgress _last;
    private bool _begun;
    private bool _dirty;

    /// <summary>Starts the clock. Nothing is ever written when <paramref name="shown"/> is false.</summary>
    public ProgressLine(CliConsole console, TimeProvider clock, bool shown)
    {
        _console = console;
        _clock = clock;
        _shown = shown;
        _start = _lastShown = clock.GetTimestamp();
    }

    /// <summary>The newest progress.</summary>
    public RunProgress Newest { get; private set; }

    /// <summary>What the line ends with.</summary>
    public string Addition { get; set; } = "";

    /// <summary>Time since the start.</summary>
    public TimeSpan Elapsed => _clock.GetElapsedTime(_start);

    /// <summary>Takes progress at a barrier and shows it when it is time.</summary>
    public void Update(RunProgress progress)
    {
        Newest = progress;
        if (!_begun)
        {
            _begun = true;
            _first = _last = progress;
        }

        var since = _clock.GetElapsedTime(_lastShown);
        if (!_shown || since.TotalSeconds < (_console.ErrorIsTerminal ? SecondsOnTerminal : SecondsElsewhere))
        {
            return;
        }

        Write(Line(progress, since));
        _lastShown = _clock.GetTimestamp();
        _last = progress;
    }

    /// <summary>Leaves the terminal's line empty for what follows.</summary>
    public void End()
    {
        if (_dirty)
        {
            _console.Error.Write(ToLineStart + ClearToLineEnd);
            _console.Error.Flush();
            _dirty = false;
        }
    }

    private void Write(string line)
    {
        if (!_console.ErrorIsTerminal)
        {
            _console.Error.WriteLine(line);
            return;
        }

        // A line that wraps could not be rewritten.
        var fitting = line.Length < _console.Width ? line : line[..(_console.Width - 1)];
        _console.Error.Write(ToLineStart + fitting + ClearToLineEnd);
        _console.Error.Flush();
        _dirty = true;
    }

    private string Line(RunProgress now, TimeSpan since)
    {
        var share = now.WorkTotal == 0 ? 0 : 100 * (Int128)now.WorkDone / now.WorkTotal;
        var virtualPerSecond = PerSecond(now.VirtualNs - _last.VirtualNs, since) / 1_000_000_000;
        var messages = PerSecond(now.Messages - _last.Messages, since);
        return string.Create(CultureInfo.InvariantCulture,
            $"virtual {now.VirtualNs / 1_000_000_000:N0} s, {share} % done, ETA {Eta(now)}, "
            + $"{virtualPerSecond:N0} virtual s/s, {messages:N0} messages/s, throttled {now.Throttled:N0}{Addition}");
    }

    // From the work since the first barrier, so that a restored run is not taken for a fast one.
    private string Eta(RunProgress now)
    {
        var done = now.WorkDone - _first.WorkDone;
        if (done <= 0 || now.WorkTotal < now.WorkDone)
        {
            return "unknown";
        }

        var seconds = (long)((Int128)Elapsed.Ticks * (now.WorkTotal - now.WorkDone) / done / TimeSpan.TicksPerSecond);
        return seconds < 60
            ? $"{seconds} s"
            : string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:N0} min {seconds % 60} s");
    }

    private static Int128 PerSecond(long amount, TimeSpan since) =>
        since.Ticks == 0 ? 0 : (Int128)amount * TimeSpan.TicksPerSecond / since.Ticks;
}
