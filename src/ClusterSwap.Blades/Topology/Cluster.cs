// What the builder makes of a scenario.
using ClusterSwap.Engine;

namespace ClusterSwap.Blades;

/// <summary>A simulation with the places of its blades.</summary>
/// <param name="Simulation">The simulation.</param>
/// <param name="Blades">Blades in the order of the scenario.</param>
public sealed record Cluster(Simulation Simulation, IReadOnlyList<BladePlace> Blades) : IDisposable
{
    /// <summary>Those of the blades that live in this simulation.</summary>
    public IReadOnlyList<BladePlace> LocalBlades { get; } =
        [.. Blades.Where(place => Simulation.IsLocal(place.Host))];

    /// <inheritdoc/>
    public void Dispose() => Simulation.Dispose();
}
