// A deployment's size in numbers and words.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Exploration.Shrinking;

namespace ClusterSwap.Exploration.Tests.Shrinking;

public sealed class DeploymentSizeTests
{
    private const string TwoRacks =
        """
        name = "two"
        [servers.s]
        bandwidth = "1 Gbit/s"
        [blade]
        server = "s"
        ram = "64 MiB"
        swap = "512 MiB"
        page_cache = "0 B"
        kernel_resident = "6 MiB"
        [blades.big]
        count = 3
        cpus = 2
        [blades.small]
        count = 1
        cpus = 1
        processes_per_cpu = 1
        ram = "32 MiB"
        """;

    [Fact]
    public void All_groups_count()
    {
        var size = DeploymentSize.Of(ScenarioFile.Parse(TwoRacks, "two.toml").Resolve());

        Assert.Equal(new DeploymentSize(4, 49, 7, 3 * 16_384 + 8_192, 4 * (3 * 16_384 + 8_192)), size);
        Assert.Equal("4 blades, 49 processes, 224 MiB", size.ToString());
    }
}
