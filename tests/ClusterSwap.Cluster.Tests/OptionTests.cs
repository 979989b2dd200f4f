// Command lines that cannot be, answered before anything starts.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Cli;

namespace ClusterSwap.Cluster.Tests;

public sealed class OptionTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("clusterswap-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("--nodes 0", "--nodes: not allowed. Found: \"0\"")]
    [InlineData("--nodes 2 --proc-dir x", "--proc-dir is for runs in one process")]
    [InlineData("--nodes 2 --ftrace x", "--ftrace is for runs in one process")]
    [InlineData("--bind 127.0.0.1", "--nodes or --join is missing")]
    [InlineData("--nodes 2 --bind 127.0.0.1", "--bind goes with --join")]
    [InlineData("--join 127.0.0.1:1", "keeps its journal in PostgreSQL")]
    [InlineData("--join nowhere --journal off", "\"nowhere\" is no address of a node")]
    [InlineData("--join 127.0.0.1:1 --bind 1.2.3.4:x", "Allowed: HOST or HOST:PORT")]
    [InlineData("--nodes 2 --tls-cert x", "--tls-key is missing")]
    [InlineData("--nodes 2 --hocon missing.conf", "\"missing.conf\" cannot be used")]
    public void Run_says_what_is_wrong(string options, string expected)
        => Says(["run", Path.Combine(Programs.Repository, "config", "quick.toml"), "--runs-dir", _folder, .. options.Split(' ')], expected);

    [Theory]
    [InlineData("--bind 192.0.2.1", "--tls-cert")]
    [InlineData("--bind :5", "Allowed: HOST or HOST:PORT")]
    [InlineData("--log xml", "Allowed: text, json")]
    [InlineData("--tls-ca x", "--tls-cert is missing")]
    public void Node_says_what_is_wrong(string options, string expected) => Says(["node", .. options.Split(' ')], expected);

    [Theory]
    [InlineData("", "Found: \"xml\"")]
    [InlineData("--log yml", "Found: \"yml\"")]
    public void A_node_takes_from_the_environment_what_its_command_line_does_not_say(string options, string expected)
    {
        const string Variable = "CLUSTERSWAP_NODE_LOG";
        Environment.SetEnvironmentVariable(Variable, "xml");
        try
        {
            Says(["node", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)], expected);
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, null);
        }
    }

    [Theory]
    [InlineData("--resume r x.toml", "\"x.toml\"")]
    [InlineData("--resume r --seed 3", "--seed is for a new run")]
    [InlineData("--resume nothing", "there is no run \"nothing\"")]
    [InlineData("--resume nothing --nodes 2", "there is no run \"nothing\"")]
    public void A_run_that_goes_on_is_told_nothing_that_was_said_when_it_began(string options, string expected)
        => Says(["run", "--runs-dir", _folder, .. options.Split(' ')], expected);

    [Fact]
    public void Status_needs_somebody_to_ask() => Says(["status"], "--join HOST:PORT");

    private static void Says(string[] args, string expected)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var console = new CliConsole(output, error, false, false, 120);
        int status = new CliApplication(new Nobody(), console, TimeProvider.System).Run(args);
        Assert.Equal(64, status);
        Assert.Contains(expected, error.ToString());
    }

    private sealed class Nobody : IRunner
    {
        public RunReport Run(RunRequest request, CancellationToken cancel) => throw new InvalidOperationException("it ran");
    }
}
