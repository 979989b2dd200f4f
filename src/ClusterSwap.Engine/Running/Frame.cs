// A message on an edge between hosts, with all that orders it at its arrival.
namespace ClusterSwap.Engine;

internal readonly record struct Frame(
    long ArrivalNs, ulong Draw, ulong Source, ulong Sequence, int TargetHost, int TargetActor, SimMessage Message,
    long Cause);
