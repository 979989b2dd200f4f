// From a checked tree to a scenario: defaults, names, and what depends on several hosts.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Builds a <see cref="Scenario"/> and collects everything that does not go together.</summary>
internal sealed class ScenarioBuilder(string path, string? variant)
{
    private readonly List<ScenarioProblem> _problems = [];

    /// <summary>Builds from a tree whose keys and values are known to be readable.</summary>
    /// <exception cref="ScenarioException">Something is missing or does not go together.</exception>
    public Scenario Build(TomlTable tree)
    {
        var start = new SourcePlace(path, 1, 1);
        var root = new CheckedTable(tree, Schema.Root, "", start);
        Require(root, "name", null);
        Times(root);
        var servers = Hosts(tree, "servers", "server").ToArray();
        var groups = Hosts(tree, "blades", "blade").ToArray();
        foreach (var (server, name) in servers)
        {
            Require(server, "bandwidth", NearestOther(name, servers.Select(s => s.Name), "servers"));
        }

        foreach (var (group, name) in groups)
        {
            Group(group, name, groups, servers);
        }

        var faults = Faults(tree, root, groups, servers);
        Any(root, "blades", groups.Length);
        Any(root, "servers", servers.Length);
        FailOnProblems();
        var scenario = new Scenario
        {
            Name = root.Get<string>("name"),
            Description = root.Get<string>("description"),
            Variant = variant is null or Scenario.BaseVariant ? root.Get<string>("resolved_variant") : variant,
            Seed = (ulong)root.Get<long>("seed"),
            BarrierIntervalNs = root.Get<long>("barrier_interval"),
            TimeStepNs = root.Get<long>("time_step"),
            TimeLimitNs = root.Get<long>("time_limit"),
            HangAfterNs = root.Get<long>("hang_after"),
            Blades = new FixedList<BladeGroup>(groups.Select(g => BuildGroup(g.Table, g.Name))),
            Servers = new FixedList<ServerSpec>(servers.Select(s => BuildServer(s.Table, s.Name))),
            Faults = new FixedList<FaultSpec>(faults.Select(fault => fault.Build())),
            Assertions = new FixedList<Assertion>(Assertions(root.Below("expect"))),
        };
        CheckHostNames(scenario, groups);
        FailOnProblems();
        return scenario;
    }

    private void FailOnProblems()
    {
        if (_problems.Count > 0)
        {
            throw new ScenarioException(_problems);
        }
    }

    private void Times(CheckedTable root)
    {
        foreach (var key in new[] { "barrier_interval", "hang_after" })
        {
            if (root.Get<long>(key) > root.Get<long>("time_limit"))
            {
                _problems.Add(new ScenarioProblem(
                    root.Place(key), key, "longer than the run", root.Show(key),
                    $"at most time_limit, {root.Show("time_limit")}", null));
            }
        }
    }

    private void Any(CheckedTable root, string key, int count)
    {
        if (count == 0)
        {
            _problems.Add(new ScenarioProblem(
                root.Place(key), key, "missing", "", $"at least one table [{key}.NAME]", null));
        }
    }

    private FaultCheck[] Faults(
        TomlTable tree, CheckedTable root, (CheckedTable Table, string Name)[] groups,
        (CheckedTable Table, string Name)[] servers)
    {
        string[] blades =
        [
            .. groups.Select(group => group.Name),
            .. groups.Where(group => group.Table.Has("count") && group.Table.Int("count") > 1).SelectMany(
                group => Enumerable.Range(0, group.Table.Int("count")).Select(i => $"{group.Name}-{i}")),
        ];
        string[] serverNames = [.. servers.Select(server => server.Name)];
        return [.. Hosts(tree, "faults", "").Select(fault =>
        {
            var check = new FaultCheck(fault.Table, fault.Name, _problems);
            check.Run(blades, serverNames, root.Get<long>("time_limit"));
            return check;
        })];
    }

    // Every named host, or fault, with the common values of its kind below its own; false takes one out.
    private static IEnumerable<(CheckedTable Table, string Name)> Hosts(TomlTable tree, string key, string common)
    {
        var below = tree.Find(common)?.Value as TomlTable ?? new TomlTable(tree.Place);
        foreach (var entry in (tree.Find(key)?.Value as TomlTable)?.Entries ?? [])
        {
            if (entry.Value is TomlTable own)
            {
                var schema = Schema.Root.Find(key)!.Named!;
                yield return (
                    new CheckedTable(below.Merge(own), schema, $"{key}.{entry.Key}", entry.Place), entry.Key);
            }
        }
    }

    private bool Require(CheckedTable table, string key, string? meant)
    {
        if (table.Has(key))
        {
            return true;
        }

        var rule = Schema.Root.Find(key)?.Rule ?? Schema.Root.Find("blades")!.Named!.Find(key)?.Rule
            ?? Schema.Root.Find("servers")!.Named!.Find(key)!.Rule!;
        _problems.Add(new ScenarioProblem(table.Start, table.Path(key), "missing", "", rule.Allowed, meant));
        return false;
    }

    // A table without its required keys is often another one's name mistyped.
    private static string? NearestOther(string name, IEnumerable<string> names, string key) =>
        Nearest.Name(name, names.Where(other => other != name)) is { } meant ? $"{key}.{meant}" : null;

    private void Group(
        CheckedTable group, string name, (CheckedTable, string Name)[] groups, (CheckedTable, string Name)[] servers)
    {
        var complete = Require(group, "count", NearestOther(name, groups.Select(g => g.Name), "blades"))
            & Require(group, "server", null) & Require(group, "ram", null) & Require(group, "swap", null);
        if (complete)
        {
            GroupCheck.Run(group, _problems);
            ReleaseCheck.Run(group, _problems);
        }

        var known = servers.Select(s => s.Name).ToArray();
        if (group.Has("server") && !known.Contains(group.Get<string>("server")))
        {
            var meant = Nearest.Name(group.Get<string>("server"), known);
            _problems.Add(new ScenarioProblem(
                group.Place("server"), group.Path("server"), "unknown host", group.Show("server"),
                "a server of this scenario: " + (known.Length == 0 ? "it has none" : string.Join(", ", known)),
                meant is null ? null : '"' + meant + '"'));
        }
    }

    private void CheckHostNames(Scenario scenario, (CheckedTable Table, string Name)[] groups)
    {
        var taken = new Dictionary<string, string>();
        foreach (var server in scenario.Servers)
        {
            taken.Add(server.Name, "servers." + server.Name);
        }

        for (var g = 0; g < scenario.Blades.Count; g++)
        {
            for (var i = 0; i < scenario.Blades[g].Count; i++)
            {
                var host = scenario.Blades[g].BladeName(i);
                if (!taken.TryAdd(host, "blades." + groups[g].Name))
                {
                    _problems.Add(new ScenarioProblem(
                        groups[g].Table.Start, "blades." + groups[g].Name, "duplicate name",
                        $"a host named {host}, as in {taken[host]}", "each name for one host", null));
                    break;
                }
            }
        }
    }

    private static BladeGroup BuildGroup(CheckedTable t, string name)
    {
        var ram = t.Get<long>("ram");
        var reserve = t.Get<long>("min_free_kbytes");
        return new BladeGroup
        {
            Name = name,
            Count = t.Int("count"),
            Server = t.Get<string>("server"),
            Cpus = t.Int("cpus"),
            Nodes = t.Int("nodes"),
            Mempolicy = MempolicyWords.Of(t.Get<string>("mempolicy")),
            RamPages = ram,
            MinFreeKbytes = reserve == 0 ? null : reserve,
            ZoneLayout = Word<ScenarioZoneLayout>(t, "zones"),
            Slab = Word<ScenarioSlab>(t, "slab"),
            Rules = ReleaseCheck.Rules(t),
            NrRequests = (int)t.Get<long>("nr_requests"),
            Scheduler = SchedulerWords.Of(t.Get<string>("scheduler"), ReleaseCheck.Rules(t)),
            Hz = t.Int("hz"),
            CostPreset = Word<CostPreset>(t.Below("costs"), "preset"),
            Costs = BuildCosts(t.Below("costs")),
            ProcessesPerCpu = t.Int("processes_per_cpu"),
            MappingPages = t.Get<MappingSize>("mapping").On(ram),
            Passes = t.Int("passes"),
            Access = Word<AccessMode>(t, "access"),
            SwapPages = t.Get<long>("swap"),
            PageCachePages = t.Get<long>("page_cache"),
            KernelResidentPages = t.Get<long>("kernel_resident"),
            WarmObjects = t.Int("warm_objects"),
            Nic = BuildNic(t.Below("nic")),
            Link = BuildLink(t.Below("link")),
            Background = BuildBackground(t.Below("background")),
        };
    }

    private static NicSpec BuildNic(CheckedTable t) => new(
        t.Get<bool>("sg"), t.Get<bool>("tso"), t.Int("ring"), Word<ScenarioRxPath>(t, "rx_path"), t.Int("mtu"),
        t.Get<long>("interrupt_moderation"), t.Get<bool>("arp"));

    private static LinkSpec BuildLink(CheckedTable t) => new(
        t.Get<long>("bandwidth"), t.Get<long>("latency"), t.Int("queue"), t.Int("loss_per_million"));

    private static BackgroundSpec BuildBackground(CheckedTable t) => new(
        t.Int("bystanders"), t.Int("stalled_readers"), t.Get<long>("packets_per_second"), t.Int("packet_bytes"),
        t.Int("rcvbuf"), t.Get<bool>("tap"), t.Int("tap_rcvbuf"), t.Get<bool>("tap_stalled"))
    {
        Tcp = new StreamTraffic(
            t.Int("tcp_streams"), t.Int("tcp_stalled_readers"), t.Get<long>("tcp_messages_per_second"),
            t.Int("tcp_message_bytes"), t.Int("tcp_rcvbuf"), t.Get<long>("tcp_reader"), t.Get<string>("tcp_from"),
            t.Get<long>("tcp_distance")),
    };

    private static CostModel BuildCosts(CheckedTable t)
    {
        var costs = Word<CostPreset>(t, "preset") switch
        {
            CostPreset.Hw2012 => CostModel.Hw2012,
            CostPreset.Uml => CostModel.Uml,
            _ => CostModel.QemuTcg,
        };
        foreach (var (key, property) in Schema.Costs)
        {
            if (t.Has(key))
            {
                property.SetValue(costs, t.Int(key));
            }
        }

        return costs;
    }

    private static ServerSpec BuildServer(CheckedTable t, string name) => new()
    {
        Name = name,
        BandwidthBitsPerSec = t.Get<long>("bandwidth"),
        QueueBytes = t.Int("queue"),
        ReadTime = t.Get<ServiceTime>("read_time"),
        WriteTime = t.Get<ServiceTime>("write_time"),
        RcvbufBytes = t.Int("rcvbuf"),
        SndbufBytes = t.Int("sndbuf"),
    };

    private static IEnumerable<Assertion> Assertions(CheckedTable expect)
    {
        Assertion Read(CheckedTable table, string key, AssertionSubject subject, string counter)
        {
            var (comparison, value) = table.Get<(Comparison, long)>(key);
            return new Assertion(subject, counter, comparison, value);
        }

        (string Key, AssertionSubject Subject)[] plain =
        [
            ("verdict", AssertionSubject.Verdict), ("min_free_pages", AssertionSubject.MinFreePages),
            ("elapsed", AssertionSubject.ElapsedNs),
        ];
        foreach (var (key, subject) in plain.Where(p => expect.Has(p.Key)))
        {
            yield return Read(expect, key, subject, "");
        }

        foreach (var counter in expect.Below("vmstat").Given)
        {
            yield return Read(expect.Below("vmstat"), counter, AssertionSubject.VmStat, counter);
        }

        foreach (var counter in expect.Below("netstat").Given)
        {
            yield return Read(expect.Below("netstat"), counter, AssertionSubject.NetStat, counter);
        }
    }

    // "dma-dma32" names DmaDma32.
    private static T Word<T>(CheckedTable table, string key)
        where T : struct, Enum =>
        Enum.Parse<T>(table.Get<string>(key).Replace("-", ""), ignoreCase: true);
}
