// Where a blade of the scenario lives, and what it is connected with.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades;

/// <summary>A blade of a cluster.</summary>
/// <param name="Host">Its host.</param>
/// <param name="Name">Its name.</param>
/// <param name="Group">How it is configured.</param>
/// <param name="Spec">Its memory.</param>
/// <param name="Server">Host of its server.</param>
/// <param name="Connection">Its connection there.</param>
/// <param name="Seed">Seed of the run.</param>
public sealed record BladePlace(
    int Host, string Name, BladeGroup Group, MachineSpec Spec, int Server, int Connection, ulong Seed)
{
    /// <summary>Host that sends streams to it, or −1.</summary>
    public int StreamHost { get; init; } = -1;

    /// <summary>Connection of its first stream there.</summary>
    public int FirstStream { get; init; }

    /// <summary>Faults of its cable.</summary>
    public IReadOnlyList<NumberedFault> LinkFaults { get; init; } = [];

    /// <summary>Faults of its server, and of the server's cable.</summary>
    public IReadOnlyList<NumberedFault> ServerFaults { get; init; } = [];

    /// <summary>All faults of the scenario, by number.</summary>
    public IReadOnlyList<FaultSpec> ScenarioFaults { get; init; } = [];

    /// <summary>All faults that it can feel.</summary>
    public IEnumerable<FaultSpec> Faults => LinkFaults.Concat(ServerFaults).Select(fault => fault.Spec);
}
