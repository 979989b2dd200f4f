// The faults of a scenario, at the actors that they concern.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades;

public static partial class ClusterBuilder
{
    private static NumberedFault[] Faults(Scenario scenario, Func<FaultSpec, bool> isMine) =>
    [
        .. scenario.Faults.Select((fault, number) => new NumberedFault(number, fault)).Where(fault => isMine(fault.Spec)),
    ];

    /// <summary>The first messages of the faults of a cable, to the two actors that stand for its two ways.</summary>
    private static void PostLinkFaults(
        HostBuilder host, int uplink, int downlink, IReadOnlyList<NumberedFault> faults)
    {
        // A clog, which is both ways, is drawn by one of them.
        FaultTimes.Post(host, uplink, faults.Where(fault =>
            fault.Spec.Effect is LinkEffect link and not SwizzleClogEffect && link.Concerns(LinkDirection.Up)));
        FaultTimes.Post(host, downlink, faults.Where(fault =>
            fault.Spec.Effect is LinkEffect link && link.Concerns(LinkDirection.Down)));
    }
}
