// A small machine as a scenario text: what tests of blades begin with.
namespace ClusterSwap.Testing.Tests.Blades;

internal static class SmallCluster
{
    /// <summary>
    /// A blade of 24 MiB whose four processes work on twice its memory, without patches and with all.
    /// </summary>
    public const string Toml = """
        name = "small"
        barrier_interval = "1 ms"
        time_limit = "10 min"

        [blades.blade]
        count = 1
        server = "server"
        cpus = 2
        ram = "24 MiB"
        zones = "flat"
        processes_per_cpu = 2
        mapping = "48 MiB"
        passes = 1
        swap = "128 MiB"
        page_cache = "1 MiB"
        kernel_resident = "4 MiB"
        patches = "all"
        warm_objects = 64

        [blades.blade.nic]
        ring = 32

        [servers.server]
        bandwidth = "1 Gbit/s"

        [variants.vanilla.blades.blade]
        patches = "none"
        """;
}
