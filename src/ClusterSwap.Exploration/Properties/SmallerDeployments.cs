// Smaller deployments to try: what a person would take away first.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Exploration.Generators;

namespace ClusterSwap.Exploration.Properties;

/// <summary>Makes a deployment that fails smaller for as long as it fails alike.</summary>
public static class SmallerDeployments
{
    // CPUs and processes on each, the fewest first.
    private static readonly (int Cpus, int PerCpu)[] s_processes =
        [(1, 1), (1, 2), (2, 1), (1, 4), (2, 2), (1, 8), (2, 4)];

    /// <summary>
    /// The smallest deployment on a way of single steps, each of which fails like <paramref name="found"/>. The same
    /// finding gives the same one.
    /// </summary>
    /// <param name="run">Runs a deployment.</param>
    /// <param name="found">A failure.</param>
    /// <param name="runsMax">Runs that it may take.</param>
    public static Finding Smallest(Func<Deployment, Finding> run, Finding found, int runsMax = 32)
    {
        var smallest = found;
        for (var progress = true; progress;)
        {
            progress = false;
            foreach (var candidate in Of(smallest.Deployment))
            {
                if (runsMax-- <= 0)
                {
                    return smallest;
                }

                var finding = run(candidate);
                if (finding.IsLike(found))
                {
                    smallest = finding;
                    progress = true;
                    break;
                }
            }
        }

        return smallest;
    }

    /// <summary>What is one step smaller, the largest steps first.</summary>
    public static IEnumerable<Deployment> Of(Deployment deployment)
    {
        var blades = deployment.Blades;
        if (blades.Count > 1)
        {
            foreach (var blade in blades)
            {
                yield return With(deployment, blade with { Server = 0 }) with { Servers = First(deployment.Servers) };
            }
        }

        for (var i = 0; i < blades.Count; i++)
        {
            foreach (var smaller in Of(blades[i]))
            {
                var copy = blades.ToArray();
                copy[i] = smaller;
                yield return With(deployment, copy);
            }
        }

        if (deployment.Servers.Any(server => server != new ServerDraw()))
        {
            yield return deployment with
            {
                Servers = new FixedList<ServerDraw>(deployment.Servers.Select(_ => new ServerDraw())),
            };
        }
    }

    private static IEnumerable<BladeDraw> Of(BladeDraw blade)
    {
        var plain = new BladeDraw();
        var bare = blade with
        {
            Count = 1,
            Traffic = plain.Traffic,
            Link = plain.Link,
            Nic = plain.Nic with { Ring = blade.Nic.Ring },
            MinFreeKbytes = 0,
            TwoZones = false,
            Reads = false,
        };
        if (bare != blade)
        {
            yield return bare;
        }

        if (blade.Count > 1)
        {
            yield return blade with { Count = 1 };
        }

        if (blade.Traffic != plain.Traffic with { PacketBytes = blade.Traffic.PacketBytes })
        {
            yield return blade with { Traffic = plain.Traffic };
        }

        if (blade.Link != plain.Link)
        {
            yield return blade with { Link = plain.Link };
        }

        if (blade.Nic.Arp)
        {
            yield return blade with { Nic = blade.Nic with { Arp = false } };
        }

        if (blade.Nic.RxPath != plain.Nic.RxPath || !blade.Nic.Gathers)
        {
            yield return blade with { Nic = plain.Nic with { Ring = blade.Nic.Ring } };
        }

        if (blade.MinFreeKbytes != 0)
        {
            yield return blade with { MinFreeKbytes = 0 };
        }

        if (blade.TwoZones || blade.Reads)
        {
            yield return blade with { TwoZones = false, Reads = false };
        }

        foreach (var (cpus, perCpu) in s_processes)
        {
            if (cpus <= blade.Cpus && cpus * perCpu < blade.Cpus * blade.ProcessesPerCpu)
            {
                yield return blade with { Cpus = cpus, ProcessesPerCpu = perCpu };
            }
        }

        const int smallestRamMib = 20;
        foreach (var ram in new[] { smallestRamMib, 24, (blade.RamMib + smallestRamMib) / 2 })
        {
            if (ram < blade.RamMib)
            {
                yield return blade with { RamMib = ram };
            }
        }
    }

    private static Deployment With(Deployment deployment, params BladeDraw[] blades) =>
        deployment with { Features = Feature.None, Blades = new FixedList<BladeDraw>(blades) };

    private static FixedList<ServerDraw> First(FixedList<ServerDraw> servers) => new([servers[0]]);
}
