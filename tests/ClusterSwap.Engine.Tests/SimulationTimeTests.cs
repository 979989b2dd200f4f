// How much CPU time a simulation can have used.
namespace ClusterSwap.Engine.Tests;

public sealed class SimulationTimeTests
{
    [Theory]
    [InlineData(1, 150, 100, 100)] // a recorder beside it
    [InlineData(1, 40, 100, 40)] // others on the machine
    [InlineData(4, 350, 100, 350)]
    [InlineData(2, 250, 100, 200)]
    public void It_is_no_more_than_the_process_used_and_its_threads_could(int threads, long cpuNs, long wallNs, long usedNs)
    {
        long cpu = 7_000;
        long wall = 9_000;
        var time = new SimulationTime(threads, () => cpu, () => wall);
        for (int i = 1; i <= 3; i++)
        {
            cpu += cpuNs;
            wall += wallNs;
            Assert.Equal(i * usedNs, time.UsedNs());
        }
    }
}
