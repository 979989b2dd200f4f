// The actor system of the recorders: an ordinary one, apart from the simulation's.
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Persistence.Sql.Config;

namespace ClusterSwap.Journal;

/// <summary>Recorders on Akka's own dispatcher and threads. It lives as long as a run is recorded.</summary>
internal sealed class RecorderSystem : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly ActorSystem _system;
    private readonly JournalStore _store;

    public RecorderSystem(JournalStore store)
    {
        _store = store;
        _system = Create(store, "clusterswap-journal");
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

    /// <summary>Begins to write a stream from a queue.</summary>
    public void Record(StreamName stream, BlockQueue queue, JournalTrouble trouble)
    {
        string name = $"recorder-{stream.Partition}-{stream.Epoch}";
        IActorRef guardian = _system.ActorOf(
            RecorderGuardian.PropsFor(stream.PersistenceId, queue, trouble), name);
        var work = new BlockRecorder.Work();
        queue.OnWork = () => guardian.Tell(work);
    }

    public void Dispose()
    {
        _system.Terminate().Wait(s_patience);
        _store.Close();
    }
}
