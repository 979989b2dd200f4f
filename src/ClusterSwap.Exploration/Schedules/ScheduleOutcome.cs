// How one schedule ended.
using System.Globalization;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Exploration.Schedules;

/// <summary>The end of one schedule.</summary>
/// <param name="Verdict">How it ended; <see cref="Verdict.Unknown"/> also when its time or messages ran out.</param>
/// <param name="AtNs">Virtual time at which that was seen, ns.</param>
/// <param name="Hash">Hash of all that happened up to then.</param>
/// <param name="Messages">Messages delivered up to then, from the start of the run.</param>
public readonly record struct ScheduleOutcome(Verdict Verdict, long AtNs, UInt128 Hash, long Messages)
{
    /// <summary>The fingerprint as reports write it.</summary>
    public string Fingerprint => Hash.ToString("x32", CultureInfo.InvariantCulture);

    /// <summary>Somebody waits for ever, starves, was killed, or an invariant broke.</summary>
    public bool Failed => Verdict is Verdict.Deadlock or Verdict.Livelock or Verdict.Starvation or Verdict.Oom or Verdict.Safety
        or Verdict.Killed;
}
