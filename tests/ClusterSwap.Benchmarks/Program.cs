// Benchmarks: the budget of the design in one table (--summary), the journal (--journal), or BenchmarkDotNet's own choice
// and options.
using BenchmarkDotNet.Running;
using ClusterSwap.Benchmarks;

if (args.Contains("--summary"))
{
    return BudgetSummary.Run(quick: args.Contains("--quick"), thousand: args.Contains("--thousand"));
}

if (args.Contains("--journal"))
{
    return JournalSpeed.Run(Path.GetTempPath());
}

BenchmarkSwitcher.FromAssembly(typeof(BudgetSummary).Assembly).Run(args);
return 0;
