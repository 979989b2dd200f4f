// Smaller deployments than a given one, the boldest first.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Exploration.Shrinking;

/// <summary>A change that makes a deployment smaller.</summary>
/// <param name="What">What it does, such as "blades 8 to 1".</param>
/// <param name="Result">The smaller scenario.</param>
internal sealed record DeploymentEdit(string What, Scenario Result);

/// <summary>
/// The changes that shrinking tries. Each makes one number smaller and leaves the rest, but for what hangs on it: swap and
/// mapping follow RAM. What the schema refuses is not among them.
/// </summary>
internal static class DeploymentEdits
{
    private const int FewestRing = 16;
    private const long PagesPerMib = 256;

    /// <summary>All changes to a scenario that give another valid one.</summary>
    public static IEnumerable<DeploymentEdit> Of(Scenario scenario) =>
        Groups(scenario).Concat(Faults(scenario)).Concat(scenario.Blades.SelectMany((group, index) => Within(scenario, group, index)))
            .Select(Checked).OfType<DeploymentEdit>();

    // Whole groups first, then blades of a group.
    private static IEnumerable<DeploymentEdit> Groups(Scenario scenario)
    {
        if (scenario.Blades.Count > 1)
        {
            foreach (var kept in scenario.Blades)
            {
                yield return new($"only the blades {kept.Name}", With(scenario, [kept]));
            }

            foreach (var dropped in scenario.Blades)
            {
                yield return new($"without the blades {dropped.Name}", With(scenario, scenario.Blades.Where(g => g != dropped)));
            }
        }
    }

    // All faults at once, then each by itself; one that comes again and again comes once.
    private static IEnumerable<DeploymentEdit> Faults(Scenario scenario)
    {
        DeploymentEdit Edit(string what, IEnumerable<FaultSpec> faults) =>
            new(what, Unexpecting(scenario) with { Faults = new FixedList<FaultSpec>(faults) });

        if (scenario.Faults.Count > 1)
        {
            yield return Edit($"faults {scenario.Faults.Count} to 0", []);
        }

        foreach (var fault in scenario.Faults)
        {
            yield return Edit($"without the fault {fault.Name}", scenario.Faults.Where(other => other != fault));
        }

        foreach (var fault in scenario.Faults.Where(fault => fault.EveryNs is not null))
        {
            yield return Edit(
                $"the fault {fault.Name} once",
                scenario.Faults.Select(other => other == fault ? other with { EveryNs = null, Times = null } : other));
        }
    }

    private static IEnumerable<DeploymentEdit> Within(Scenario scenario, BladeGroup group, int index)
    {
        DeploymentEdit Edit(string what, BladeGroup smaller) => new(
            scenario.Blades.Count == 1 ? what : $"{group.Name}: {what}",
            With(scenario, scenario.Blades.Select((other, i) => i == index ? smaller : other)));

        foreach (var count in Smaller(group.Count, 1))
        {
            yield return Edit($"blades {group.Count} to {count}", group with { Count = (int)count });
        }

        foreach (var edit in Traffic(group))
        {
            yield return Edit(edit.What, edit.Group);
        }

        foreach (var ram in Smaller(group.RamPages, 64))
        {
            yield return Edit($"RAM {Units.Pages(group.RamPages)} to {Units.Pages(ram)}", Scaled(group, ram));
        }

        foreach (var cpus in Smaller(group.Cpus, group.Nodes))
        {
            yield return Edit($"CPUs {group.Cpus} to {cpus}", group with { Cpus = (int)cpus });
        }

        foreach (var processes in Smaller(group.ProcessesPerCpu, 1))
        {
            yield return Edit(
                $"processes per CPU {group.ProcessesPerCpu} to {processes}", group with { ProcessesPerCpu = (int)processes });
        }

        foreach (var passes in Smaller(group.Passes, 1))
        {
            yield return Edit($"passes {group.Passes} to {passes}", group with { Passes = (int)passes });
        }

        foreach (var mapping in Smaller(group.MappingPages, group.Processes))
        {
            yield return Edit(
                $"mapping {Units.Pages(group.MappingPages)} to {Units.Pages(mapping)}", group with { MappingPages = mapping });
        }

        foreach (var ring in Smaller(group.Nic.Ring, FewestRing))
        {
            yield return Edit($"receive ring {group.Nic.Ring} to {ring}", group with { Nic = group.Nic with { Ring = (int)ring } });
        }

        foreach (var warm in Smaller(group.WarmObjects, 0))
        {
            yield return Edit($"warm objects {group.WarmObjects} to {warm}", group with { WarmObjects = (int)warm });
        }
    }

    private static IEnumerable<(string What, BladeGroup Group)> Traffic(BladeGroup group)
    {
        var traffic = group.Background;
        if (traffic.Tcp.Streams > 0)
        {
            yield return ("no TCP streams", group with
            {
                Background = traffic with { Tcp = traffic.Tcp with { Streams = 0, Stalled = 0, MessagesPerSecond = 0 } },
            });
        }

        if (traffic.Bystanders > 0)
        {
            yield return ("no ordinary sockets", group with
            {
                Background = traffic with { Bystanders = 0, StalledReaders = 0, PacketsPerSecond = 0 },
            });
        }

        if (traffic.Bystanders > 1)
        {
            yield return ($"ordinary sockets {traffic.Bystanders} to 1", group with
            {
                Background = traffic with { Bystanders = 1, StalledReaders = Math.Min(traffic.StalledReaders, 1) },
            });
        }

        if (traffic.Tap)
        {
            yield return ("no tap", group with { Background = traffic with { Tap = false, TapStalled = false } });
        }

        if (group.Nic.Arp)
        {
            yield return ("no neighbour table", group with { Nic = group.Nic with { Arp = false } });
        }

        if (group.Link.LossPerMillion > 0)
        {
            yield return ("no loss", group with { Link = group.Link with { LossPerMillion = 0 } });
        }
    }

    // A machine of another size: what was a share of its memory stays that share, and a reserve that was set with it.
    private static BladeGroup Scaled(BladeGroup group, long ram)
    {
        long Share(long pages) => pages * ram / group.RamPages;
        return group with
        {
            RamPages = ram,
            ZoneLayout = group.ZoneLayout,
            MappingPages = Math.Max(Share(group.MappingPages), group.Processes),
            PageCachePages = Share(group.PageCachePages),
            KernelResidentPages = Share(group.KernelResidentPages),
            SwapPages = Math.Max(Share(group.SwapPages), PagesPerMib / 4),
            MinFreeKbytes = group.MinFreeKbytes is { } kib ? Math.Max(1, kib * ram / group.RamPages) : null,
        };
    }

    // The least at once, a quarter, half, three quarters, one less.
    private static IEnumerable<long> Smaller(long value, long least) =>
        new[] { least, value / 4, value / 2, value * 3 / 4, value - 1 }
            .Where(smaller => smaller >= least && smaller < value).Distinct().Order()
            .Where((smaller, i) => smaller != value - 1 || value <= 8 || i == 0);

    // Servers that nobody uses any more go with their blades, and so do faults of what is gone.
    private static Scenario With(Scenario scenario, IEnumerable<BladeGroup> groups)
    {
        var kept = new FixedList<BladeGroup>(groups);
        var servers = new FixedList<ServerSpec>(
            scenario.Servers.Where(server => kept.Any(group => group.Server == server.Name)));
        return Unexpecting(scenario) with
        {
            Blades = kept,
            Servers = servers,
            Faults = new FixedList<FaultSpec>(scenario.Faults.Select(Left).OfType<FaultSpec>()),
        };

        FaultSpec? Left(FaultSpec fault)
        {
            var on = fault.On.Where(IsThere).ToArray();
            return on.Length == fault.On.Count ? fault
                : on.Length == 0 ? null
                : fault with { On = new FixedList<string>(on) };
        }

        bool IsThere(string host) => servers.Any(server => server.Name == host)
            || kept.Any(group => group.Name == host
                || Enumerable.Range(0, group.Count).Any(blade => group.BladeName(blade) == host));
    }

    // Nothing is expected of a smaller run.
    private static Scenario Unexpecting(Scenario scenario) => scenario with { Assertions = new FixedList<Assertion>([]) };

    private static DeploymentEdit? Checked(DeploymentEdit edit)
    {
        try
        {
            return edit with { Result = ScenarioFile.Parse(edit.Result.ToToml(), edit.Result.Name).Resolve() };
        }
        catch (ScenarioException)
        {
            return null;
        }
    }
}
