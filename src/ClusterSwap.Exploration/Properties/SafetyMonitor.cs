// What must never be seen on a blade, whatever runs on it (kernel facts 9.4).
using ClusterSwap.Blades.Runs;
using ClusterSwap.Engine;
using ClusterSwap.Kernel;

namespace ClusterSwap.Exploration.Properties;

/// <summary>An invariant of the modelled kernel. It looks at barriers and changes nothing.</summary>
/// <param name="Name">The invariant, a sentence.</param>
/// <param name="Presupposes">Patches of the series without which it need not hold.</param>
/// <param name="Applies">Further conditions on the blade; the gaps of the kernel that are known are excepted
/// here.</param>
/// <param name="Look">What is wrong; null when nothing is.</param>
public sealed record SafetyMonitor(
    string Name,
    IReadOnlyList<int> Presupposes,
    Func<BladeStates, bool> Applies,
    Func<Simulation, BladeStates, string?> Look)
{
    /// <summary>Whether the blade's kernel has what the invariant presupposes.</summary>
    public bool IsFor(BladeStates blade)
    {
        var rules = blade.Place.Group.Rules;
        return rules.Era == Era.Linux36 && Presupposes.All(rules.Has) && Applies(blade);
    }

    /// <summary>The first invariant that is broken on a blade, with what is wrong; null when all hold.</summary>
    public static string? FirstBroken(Simulation simulation, BladeStates blade)
    {
        foreach (var monitor in SafetyMonitors.All)
        {
            if (monitor.IsFor(blade) && monitor.Look(simulation, blade) is { } wrong)
            {
                return $"{blade.Place.Name}: \"{monitor.Name}\" is broken: {wrong}";
            }
        }

        return null;
    }
}
