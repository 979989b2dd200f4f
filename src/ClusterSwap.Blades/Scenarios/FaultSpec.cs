// A fault of a scenario: what goes wrong, where, when, and how often.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>A fault that the scenario asks for. Plain data: whatever draws scenarios can draw faults.</summary>
public sealed record FaultSpec
{
    /// <summary>Name, unique among the faults of the scenario.</summary>
    public required string Name { get; init; }

    /// <summary>What goes wrong.</summary>
    public required FaultEffect Effect { get; init; }

    /// <summary>
    /// Blades, groups of blades and servers by name. Empty: every blade for a fault of links, every server for one of
    /// servers.
    /// </summary>
    public FixedList<string> On { get; init; } = new([]);

    /// <summary>Virtual time at which it begins, ns.</summary>
    public long AtNs { get; init; }

    /// <summary>How long it lasts, ns; null = to the end of the run.</summary>
    public long? ForNs { get; init; }

    /// <summary>Time from one beginning to the next, ns, more than <see cref="ForNs"/>; null = it comes once.</summary>
    public long? EveryNs { get; init; }

    /// <summary>How often it comes at most; null with <see cref="EveryNs"/> = again and again.</summary>
    public int? Times { get; init; }

    /// <summary>How often it comes at most.</summary>
    public int Rounds => EveryNs is null ? 1 : Times ?? int.MaxValue;

    /// <summary>It ends by itself each time that it comes.</summary>
    public bool Ends => ForNs is not null;

    /// <summary>It is about the cable of a blade.</summary>
    public bool IsOnLinkOf(BladeGroup group, int index) => Effect is LinkEffect
        && (On.Count == 0 || On.Contains(group.Name) || On.Contains(group.BladeName(index)));

    /// <summary>It is about the cable of a server.</summary>
    public bool IsOnLinkOf(ServerSpec server) => Effect is LinkEffect && On.Contains(server.Name);

    /// <summary>It is about a server's process.</summary>
    public bool IsOnServer(ServerSpec server) => Effect is ServerEffect && (On.Count == 0 || On.Contains(server.Name));

    /// <summary>It is in force at a time, or may be: a clog of some links lies anywhere within its duration.</summary>
    public bool IsInForce(long nowNs) => RoundAt(nowNs) is var round and >= 0
        && (ForNs is not { } lasts || nowNs < StartOf(round) + lasts);

    /// <summary>When it began, of a moment at which it is in force, ns.</summary>
    public long BeganNs(long nowNs) => StartOf(RoundAt(nowNs));

    /// <summary>How long it was in force from one moment to another, ns; 0 for one that never ends.</summary>
    public long InForceNs(long fromNs, long toNs) => InForceUpTo(toNs) - InForceUpTo(fromNs);

    private long InForceUpTo(long nowNs) => ForNs is { } lasts && RoundAt(nowNs) is var round and >= 0
        ? round * lasts + Math.Min(nowNs - StartOf(round), lasts)
        : 0;

    // The round that began last, or −1 before the first.
    private long RoundAt(long nowNs) => nowNs < AtNs ? -1
        : EveryNs is { } every ? Math.Min((nowNs - AtNs) / every, Rounds - 1) : 0;

    private long StartOf(long round) => AtNs + round * (EveryNs ?? 0);
}
