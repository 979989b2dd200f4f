// How a task hands a run of swap pages to the device: bios from their mempool, requests from the queue, sleeping for either.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Actors;

/// <summary>
/// The part of a task's call that submits bios. When a section has to sleep for a bio or a request, the task calls
/// <see cref="Start"/> again in its next one with what is left of the run.
/// </summary>
public sealed class BioSubmission(HostContext host, int actor, TaskThread thread)
{
    private readonly SubmitBios _submit = new() { Task = thread.Task, ReplyTo = actor };
    private readonly Unplug _unplug = new(thread.Task);
    private readonly BioRequest _request = new() { Task = thread.Task, ReplyTo = actor };

    /// <summary>Submits what has bios; without any it waits for one, or asks for them when it has waited.</summary>
    public void Start(BioRun run, bool flush)
    {
        _submit.Flush = flush;
        if (run.Bios > 0)
        {
            _submit.Run = run;
            host.Send(BladeActors.NbdDevice, _submit);
        }
        else if (run.Short)
        {
            // schedule() flushes the plug of whoever sleeps: what it holds may be all that would give bios back.
            run.Short = false;
            Unplug();
            thread.SleepAtMost(WaitKind.Bio, KernelTimes.MempoolWaitNs);
        }
        else
        {
            _request.Run = run;
            _request.Cpu = thread.Cpu;
            host.Send(BladeActors.Blade, _request);
        }
    }

    /// <summary>Hands what the task's plug holds to the driver: before it sleeps, and when the plug's stretch of code ends.</summary>
    public void Unplug()
    {
        if (thread.State.Plugged)
        {
            thread.State.Plugged = false;
            host.Send(BladeActors.NbdDevice, _unplug);
        }
    }

    /// <summary>
    /// Takes the device's or the blade's answer. True when the whole run is submitted and the section goes on; false when another
    /// answer will come or the task has gone to sleep.
    /// </summary>
    public bool OnAnswer(BioRun run, SimMessage answer)
    {
        if (answer is BiosMade)
        {
            Start(run, _submit.Flush);
            return false;
        }

        var submitted = (BiosSubmitted)answer;
        thread.SystemNs += submitted.CostNs;
        run.Advance(submitted.Accepted);
        thread.State.Plugged = !_submit.Flush && !submitted.MustWait;
        if (run.Count == 0)
        {
            return true;
        }

        if (submitted.MustWait)
        {
            // A bio that comes back during this sleep wakes for nothing: ask again afterwards.
            run.Short = false;
            thread.SleepOn(WaitKind.Request, run.Write ? 1 : 0);
        }
        else
        {
            Start(run, _submit.Flush);
        }

        return false;
    }
}
