// The threads of a run. They live for one call of Run and rest between barriers.
namespace ClusterSwap.Engine;

/// <summary>The calling thread and as many others as were asked for, led from barrier to barrier.</summary>
internal sealed class Crew : IDisposable
{
    private readonly RunPlan _plan;
    private readonly SpinGate _gate;
    private readonly Thread[] _threads;
    private readonly WorkerStatistics[] _workers;
    private readonly long _startTick;
    private long _barrierNs;
    private bool _ended;

    public Crew(RunPlan plan, int threads, RunOptions options)
    {
        _plan = plan;
        _gate = new SpinGate(threads, options.SpinLimit);
        _workers = new WorkerStatistics[threads];
        for (int i = 0; i < threads; i++)
        {
            _workers[i] = new WorkerStatistics(options.Clock);
        }

        _startTick = _workers[0].Now();
        _threads = new Thread[threads - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            int worker = i + 1;
            _threads[i] = new Thread(() => Work(worker)) { IsBackground = true, Name = $"clusterswap worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Runs all partitions up to a barrier; comes back when all have reached it.</summary>
    public void RunTo(long barrierNs)
    {
        _plan.Rewind();
        _barrierNs = barrierNs;
        Meet(0);
        _plan.RunEpoch(0, barrierNs, _workers[0]);
        Meet(0);
    }

    /// <summary>Ends the threads.</summary>
    public void Dispose()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        Meet(0);
        foreach (Thread thread in _threads)
        {
            thread.Join();
        }

        foreach (WorkerStatistics worker in _workers)
        {
            worker.TotalTicks = worker.Now() - _startTick;
        }
    }

    public EngineStatistics Statistics(long events, long messages)
    {
        (long work, long critical) = _plan.GroupWork();
        return new EngineStatistics
        {
            Threads = _workers.Length,
            Partitions = _plan.All.Length,
            LookaheadNs = _plan.LookaheadNs,
            LimitingEdge = _plan.LimitingEdge,
            BalancePerMille = critical == 0 ? 1000 : work * 1000 / critical,
            Windows = _workers.Sum(worker => worker.Windows),
            Slices = _plan.All.Sum(partition => partition.Slices),
            Events = events,
            Messages = messages,
            Workers = _workers,
        };
    }

    private void Work(int worker)
    {
        while (true)
        {
            Meet(worker);
            if (_ended)
            {
                return;
            }

            _plan.RunEpoch(worker, _barrierNs, _workers[worker]);
            Meet(worker);
        }
    }

    private void Meet(int worker)
    {
        if (_workers.Length > 1)
        {
            _gate.Arrive(_workers[worker]);
        }
    }
}
