// Requests of one instant: each asker gets its own answer.
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using MemoryPack;

namespace ClusterSwap.Blades.Tests.Conserving;

public sealed partial class SharedAnswerTests
{
    [Fact]
    public void Two_processes_that_exit_at_one_instant_get_an_answer_each()
    {
        // Once one object answered all: the slower process was told that it was done, and its page tables leaked.
        using var trial = new Trial(Trial.Quick("swapnbd"));
        var spec = trial.Cluster.Blades[0].Spec;
        var builder = new SimulationBuilder(seed: 1, BladeMessages.Registry());
        var host = builder.AddHost("blade");
        host.AddActor("blade", (h, i) => new Blade(h, i, spec, [1, 2], [1024, 1024]));
        host.AddActor("first", (h, i) => new Asker(h, i, new ExitRequest { Process = 0, ReplyTo = i }));
        var last = trial.Blade().Memory.Spaces.ReleaseSteps - 1;
        host.AddActor("second", (h, i) => new Asker(h, i, new ExitRequest { Process = 1, Offset = last, ReplyTo = i }));
        host.Post(0, 1, new StartTask());
        host.Post(0, 2, new StartTask());
        using var simulation = builder.Build();
        simulation.Run(new RunOptions { UntilNs = Trial.Second });

        // The first looks through all of its address space, the second only at the end of it.
        var step = simulation.Actor<Asker>(0, 2).Inspect.CostNs;
        Assert.Equal((last + 1) * step, simulation.Actor<Asker>(0, 1).Inspect.CostNs);
    }

    /// <summary>What an asker was told.</summary>
    [MemoryPackable]
    internal sealed partial class AskerState
    {
        /// <summary>What the step cost, ns.</summary>
        public long CostNs;
    }

    /// <summary>Asks once.</summary>
    internal sealed class Asker(HostContext host, int index, ExitRequest request)
        : HostActor<AskerState>(host, index, new AskerState())
    {
        protected override void Receive(SimMessage message)
        {
            if (message is Exited exited)
            {
                State.CostNs = exited.CostNs;
            }
            else
            {
                Host.Send(BladeActors.Blade, request);
            }
        }
    }
}
