// The actor system of the recorders: an ordinary one, apart from the simulation's.
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Persistence.Sql.Config;

namespace ClusterSwap.Journal;

/// <summary>
/// Recorders on Akka's own dispatcher and threads. It lives as long as a run is recorded. It starts on another thread, for
/// the run need not wait for it: blocks wait in their queues.
/// </summary>
internal sealed class RecorderSystem : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly Task<ActorSystem> _system;
    private readonly List<Task> _recording = [];
    private readonly JournalStore _store;

    public RecorderSystem(JournalStore store)
    {
        _store = store;
        _system = Task.Run(() => Create(store, "clusterswap-journal"));
    }

    /// <summary>An actor system whose journal is a store: for recorders, and for queries.</summary>
    public static ActorSystem Create(JournalStore store, string name)
    {
        Config config = store.Hocon
            .WithFallback(ConfigurationFactory.FromResource("journal.conf", typeof(RecorderSystem).Assembly));
        var setup = ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(config), new DataOptionsSetup(store.Options));
        return ActorSystem.Create(name, setup);
    }

    /// <summary>
    /// Begins to write a stream from a queue, as soon as the system is there. The queue fails if it cannot start.
    /// </summary>
    public void Record(StreamName stream, BlockQueue queue, JournalTrouble trouble)
        => _recording.Add(_system.ContinueWith(
            system => Record(system, stream, queue, trouble),
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default));

    public void Dispose()
    {
        Task.WaitAll([.. _recording]);
        try
        {
            _system.Result.Terminate().Wait(s_patience);
        }
        catch (AggregateException)
        {
            // It never started: every queue was told.
        }

        _store.Close();
    }

    private static void Record(Task<ActorSystem> system, StreamName stream, BlockQueue queue, JournalTrouble trouble)
    {
        try
        {
            IActorRef guardian = system.Result.ActorOf(
                RecorderGuardian.PropsFor(stream.PersistenceId, queue, trouble),
                $"recorder-{stream.Partition}-{stream.Epoch}");
            var work = new BlockRecorder.Work();
            queue.OnWork = () => guardian.Tell(work);

            // Of a block that came in between nobody was told.
            guardian.Tell(work);
        }
        catch (Exception e)
        {
            queue.Fail(trouble.Note(e.GetBaseException(), isFinal: true)!);
        }
    }
}
