// What a task does between two rounds of an allocation that may not fail.
namespace ClusterSwap.Kernel.Memory;

/// <summary>The wait between two rounds through direct reclaim.</summary>
public static class RetryRules
{
    /// <summary>
    /// <c>should_reclaim_retry</c>, 4.7: reclaim says what it freed and no page more, rounds without one are counted,
    /// and each retry wakes kswapd. Before, reclaim claimed a page while a zone was worth scanning.
    /// </summary>
    public static bool CountsFruitlessRounds(KernelRules rules) => rules.Has(KernelChange.ReclaimRetries);

    /// <summary>
    /// <c>should_reclaim_retry</c>, 6.1: a worker of a work queue sleeps a tick, because whatever its pool could run
    /// instead may be what frees memory; everybody else only yields.
    /// </summary>
    public static bool SleepsATick(KernelRules rules, TaskFlags task) =>
        rules.Has(KernelChange.WorkerRetrySleep) && (task & TaskFlags.WqWorker) != 0;
}
