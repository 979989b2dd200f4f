// Benchmarks: the budget of the design in one table (--summary), the journal (--journal), runs killed (--journal-kills), a
// database that stalls (--journal-stall), faults of cables (--faults), schedules explored (--explore) and made again
// (--explore-repeats), two nodes against two threads (--nodes), or BenchmarkDotNet's own choice and options.
using BenchmarkDotNet.Running;
using ClusterSwap.Benchmarks;

if (args.Contains("--summary"))
{
    return BudgetSummary.Run(quick: args.Contains("--quick"), thousand: args.Contains("--thousand"));
}

if (args.Contains("--journal-kills"))
{
    return JournalKills.Run(Number("--kills", 50), seed: (ulong)Number("--seed", 1), Text("--store"));
}

if (args.Contains("--journal-stall"))
{
    return JournalStall.Run(TimeSpan.FromSeconds(Number("--seconds", 30)));
}

if (args.Contains("--faults"))
{
    return FaultCost.Run(Number("--rounds", 5));
}

if (args.Contains("--node"))
{
    return NodesSpeed.Node(args[Array.IndexOf(args, "--node") + 1]);
}

if (args.Contains("--nodes"))
{
    return NodesSpeed.Run(
        Text("--scenario") ?? "racks-256.toml", Number("--pairs", 3), untilNs: Number("--until-ms", 1500) * 1_000_000L);
}

if (args.Contains("--journal"))
{
    return JournalSpeed.Run(Path.GetTempPath());
}

if (args.Contains("--explore"))
{
    return ExploreSpeed.Run();
}

if (args.Contains("--explore-repeats"))
{
    return ExploreRepeats.Run(Number("--schedules", 1_000), Number("--processes", 20));
}

if (args is ["--explore-again", var path, .. var from])
{
    return ExploreRepeats.Again(path, from.FirstOrDefault(""));
}

BenchmarkSwitcher.FromAssembly(typeof(BudgetSummary).Assembly).Run(args);
return 0;

int Number(string option, int otherwise) =>
    Text(option) is { } text ? int.Parse(text, System.Globalization.CultureInfo.InvariantCulture) : otherwise;

string? Text(string option)
{
    int at = Array.IndexOf(args, option);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
}
