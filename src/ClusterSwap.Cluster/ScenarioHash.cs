// By what nodes know that they speak of the same scenario.
using System.IO.Hashing;
using System.Text;
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Clustering;

/// <summary>Hashes scenarios.</summary>
internal static class ScenarioHash
{
    /// <summary>Sixteen digits, of every value that a scenario has.</summary>
    public static string Of(Scenario scenario)
        => XxHash3.HashToUInt64(Encoding.UTF8.GetBytes(scenario.ToToml())).ToString("x16");
}
