// From the table of a fault to its record: keys of its kind only, hosts that there are, times that go together.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>Reads and checks one fault.</summary>
/// <param name="fault">Its table.</param>
/// <param name="name">Its name.</param>
/// <param name="problems">Takes what is wrong.</param>
internal sealed class FaultCheck(CheckedTable fault, string name, List<ScenarioProblem> problems)
{
    private const long ReorderDelayNs = 1_000_000;
    private const int ClogPerMillion = 500_000;

    /// <summary>Adds every problem of the fault; with none, it can be built.</summary>
    /// <param name="blades">Names of groups and of single blades.</param>
    /// <param name="servers">Names of servers.</param>
    /// <param name="timeLimitNs">Virtual time at which the run ends, ns.</param>
    public void Run(IReadOnlyList<string> blades, IReadOnlyList<string> servers, long timeLimitNs)
    {
        if (!fault.Has("kind"))
        {
            var words = string.Join(", ", FaultSchema.Kinds.Select(kind => '"' + kind.Word + '"'));
            Report(fault.Start, "kind", "missing", "", $"one of {words}", null);
            return;
        }

        var kind = FaultSchema.KindOf(fault.Get<string>("kind"));
        Keys(kind);
        Hosts(kind.Word, blades, servers);
        Times(timeLimitNs);
        Bursts();
    }

    /// <summary>The fault, of a table without problems.</summary>
    public FaultSpec Build() => new()
    {
        Name = name,
        Effect = EffectOf(fault.Get<string>("kind")),
        On = fault.Has("on") ? fault.Get<FixedList<string>>("on") : new([]),
        AtNs = fault.Get<long>("at"),
        ForNs = Given("for"),
        EveryNs = Given("every"),
        Times = fault.Has("times") ? fault.Int("times") : null,
    };

    private FaultEffect EffectOf(string kind) => kind switch
    {
        "loss" => new LossEffect(Direction, PerMillion, fault.Has("good_to_bad_per_million")
            ? new LossBursts(
                Or("good_per_million", 0), fault.Int("good_to_bad_per_million"), fault.Int("bad_to_good_per_million"))
            : null),
        "delay" => new DelayEffect(Direction, fault.Get<long>("delay"), Given("jitter") ?? 0),
        "reorder" => new ReorderEffect(Direction, PerMillion, Given("delay") ?? ReorderDelayNs),
        "duplicate" => new DuplicateEffect(Direction, PerMillion),
        "rate" => new RateEffect(Direction, fault.Get<long>("bandwidth")),
        "partition" => new PartitionEffect(Direction),
        "swizzle-clog" => new SwizzleClogEffect(Or("per_million", ClogPerMillion)),
        "server-stall" => new ServerStallEffect(),
        "server-delay" => new ServerDelayEffect(Operations, fault.Get<long>("delay")),
        "server-error" => new ServerErrorEffect(Operations, PerMillion),
        "server-restart" => new ServerRestartEffect(),
        _ => throw new InvalidOperationException($"no effect of a fault {kind}"),
    };

    private LinkDirection Direction => fault.Has("direction")
        ? Enum.Parse<LinkDirection>(fault.Get<string>("direction"), ignoreCase: true)
        : LinkDirection.Both;

    private FaultOperations Operations => fault.Has("operations")
        ? Enum.Parse<FaultOperations>(fault.Get<string>("operations"), ignoreCase: true)
        : FaultOperations.Both;

    private int PerMillion => fault.Int("per_million");

    private int Or(string key, int otherwise) => fault.Has(key) ? fault.Int(key) : otherwise;

    private long? Given(string key) => fault.Has(key) ? fault.Get<long>(key) : null;

    private void Keys(FaultKind kind)
    {
        foreach (var key in fault.Given.Where(key => !kind.Keys.Contains(key)))
        {
            Report(fault.Place(key), key, $"a fault of kind {kind.Word} has no such key", fault.Show(key),
                string.Join(", ", kind.Keys), null);
        }

        foreach (var key in kind.Needs.Where(key => !fault.Has(key)))
        {
            Report(fault.Place("kind"), key, $"missing: a fault of kind {kind.Word} needs it", "",
                Schema.Root.Find("faults")!.Named!.Find(key)!.Rule!.Allowed, null);
        }
    }

    private void Hosts(string kind, IReadOnlyList<string> blades, IReadOnlyList<string> servers)
    {
        var ofServer = kind.StartsWith("server-", StringComparison.Ordinal);
        string[] known = ofServer ? [.. servers] : [.. blades, .. servers];
        foreach (var host in fault.Has("on") ? fault.Get<FixedList<string>>("on") : new([]))
        {
            if (!known.Contains(host))
            {
                var isBlade = ofServer && blades.Contains(host);
                Report(fault.Place("on"), "on", isBlade ? $"a blade has no {kind}" : "unknown host", '"' + host + '"',
                    (ofServer ? "servers of this scenario: " : "blades, groups and servers of this scenario: ")
                    + Listed(known),
                    Nearest.Name(host, known) is { } meant && !isBlade ? '"' + meant + '"' : null);
            }
        }
    }

    // A rack may have thousands.
    private static string Listed(string[] names) =>
        string.Join(", ", names.Take(20)) + (names.Length > 20 ? " ..." : "");

    private void Times(long timeLimitNs)
    {
        if (fault.Get<long>("at") >= timeLimitNs)
        {
            Report(fault.Place("at"), "at", "at the end of the run or later", fault.Show("at"),
                $"less than time_limit, \"{Units.Duration(timeLimitNs)}\"", null);
        }

        if (Given("every") is { } every && (Given("for") is not { } lasts || every <= lasts))
        {
            Report(fault.Place("every"), "every", "it would come again before it ends", fault.Show("every"),
                Given("for") is { } known ? $"more than for, \"{Units.Duration(known)}\"" : "with for, how long it lasts",
                null);
        }

        if (fault.Has("times") && !fault.Has("every"))
        {
            Report(fault.Place("times"), "times", "it comes once", fault.Show("times"), "with every", null);
        }
    }

    private void Bursts()
    {
        foreach (var key in new[] { "good_to_bad_per_million", "bad_to_good_per_million", "good_per_million" })
        {
            foreach (var other in new[] { "good_to_bad_per_million", "bad_to_good_per_million" })
            {
                if (fault.Has(key) && !fault.Has(other))
                {
                    Report(fault.Place(key), key, $"bursts need {other} too", fault.Show(key), $"with {other}", null);
                    return;
                }
            }
        }
    }

    private void Report(SourcePlace place, string key, string what, string found, string allowed, string? meant) =>
        problems.Add(new ScenarioProblem(place, fault.Path(key), what, found, allowed, meant));
}
