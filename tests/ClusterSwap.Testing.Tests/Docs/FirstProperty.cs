// The property that docs/property-tests.md begins with: the page shows this very code.
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;
using Xunit;

namespace FirstProperty;

public sealed class EveryWaiterGetsOn
{
    [Fact]
    public void When_the_load_ends() => DeadlockProperty.Of(Deployments.Any(patches: "all")).Holds(deployments: 10);
}
