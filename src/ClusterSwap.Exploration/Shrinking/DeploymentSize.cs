// How large a deployment is: what shrinking makes smaller, and what a counterexample is told by.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Exploration.Shrinking;

/// <summary>The size of a deployment.</summary>
/// <param name="Blades">Blades of all groups.</param>
/// <param name="Processes">Processes of the workload on all blades.</param>
/// <param name="Cpus">CPUs of all blades.</param>
/// <param name="RamPages">Memory of all blades, pages.</param>
/// <param name="MappingPages">What all processes map, pages.</param>
/// <param name="Faults">Faults that the scenario asks for.</param>
public readonly record struct DeploymentSize(
    int Blades, int Processes, int Cpus, long RamPages, long MappingPages, int Faults = 0)
{
    private const long PagesPerMib = (1 << 20) / Scenario.PageBytes;

    /// <summary>The size of a scenario's deployment.</summary>
    public static DeploymentSize Of(Scenario scenario) => new(
        scenario.BladeCount,
        scenario.Blades.Sum(group => group.Count * group.Processes),
        scenario.Blades.Sum(group => group.Count * group.Cpus),
        scenario.Blades.Sum(group => group.Count * group.RamPages),
        scenario.Blades.Sum(group => group.Count * group.MappingPages),
        scenario.Faults.Count);

    /// <summary>In words: "2 blades, 4 processes, 16 MiB, 1 fault".</summary>
    public override string ToString() =>
        FormattableString.Invariant($"{Count(Blades, "blade")}, {Count(Processes, "process", "processes")}, {Ram()}")
        + (Faults > 0 ? ", " + Count(Faults, "fault") : "");

    private string Ram() => RamPages % PagesPerMib == 0
        ? FormattableString.Invariant($"{RamPages / PagesPerMib:N0} MiB")
        : FormattableString.Invariant($"{RamPages * (Scenario.PageBytes / 1024):N0} KiB");

    private static string Count(int count, string one, string? many = null) =>
        FormattableString.Invariant($"{count:N0} {(count == 1 ? one : many ?? one + "s")}");
}
