// Whoever wants to measure a run under pressure and then in calm.
using ClusterSwap.Blades;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Exploration.Properties;

/// <summary>Sees one run of <see cref="PressureThenCalm"/>. It looks and must change nothing.</summary>
public interface ITrialWatch
{
    /// <summary>Before the first event.</summary>
    void Begin(Cluster cluster, IReadOnlyList<BladeStates> blades);

    /// <summary>At every barrier.</summary>
    void Look();

    /// <summary>When it has ended, while the actors are still there.</summary>
    void End();
}
