// How a task hands a run of swap pages to the device: bios from their mempool, requests from the queue, sleeping for
// either.
using ClusterSwap.Blades.Messages;
using ClusterSwap.Engine;
using ClusterSwap.Kernel.Block;
using ClusterSwap.Kernel.Memory;

namespace ClusterSwap.Blades.Actors;

/// <summary>
/// The part of a task's call that submits bios. When a section has to sleep for a bio or a request, the task calls
/// <see cref="Start"/> again in its next one with what is left of the run.
/// </summary>
/// <param name="host">The host.</param>
/// <param name="actor">The actor that holds the task's call.</param>
/// <param name="thread">The task.</param>
/// <param name="issuedBy">Who sends what was submitted.</param>
/// <param name="callFlags">Flags that the task has in this call beside its own: PF_MEMALLOC in reclaim.</param>
public sealed class BioSubmission(
    HostContext host, int actor, TaskThread thread, IssuedBy issuedBy, TaskFlags callFlags)
{
    private readonly IssuePlug _issue = new() { Task = thread.Task };
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
            _request.Flags = thread.State.Flags;
            host.Send(BladeActors.Blade, _request);
        }
    }

    /// <summary>Hands what the task's plug holds to whoever sends for others: before the task sleeps.</summary>
    public void Unplug()
    {
        if (thread.State.Plugged)
        {
            thread.State.Plugged = false;
            _unplug.Cpu = thread.Cpu;
            host.Send(BladeActors.NbdDevice, _unplug);
        }
    }

    /// <summary>
    /// Ends the section where the plug's stretch of code ends (<c>blk_finish_plug</c>), and goes on at
    /// <paramref name="resumeActor"/>, which first gets <paramref name="result"/>: on a device that lets the task send,
    /// after it has sent.
    /// </summary>
    public void FinishPlug(int resumeActor, WaitKind wait, SimMessage? result = null)
    {
        var issues = thread.State.Plugged && issuedBy == IssuedBy.Submitter;
        if (!issues)
        {
            Unplug();
        }

        if (result is not null)
        {
            host.Send(resumeActor, result);
        }

        if (issues)
        {
            Issue(resumeActor);
        }
        else
        {
            thread.EndSection(resumeActor, wait);
        }
    }

    private void Issue(int resumeActor)
    {
        thread.State.Plugged = false;
        _issue.Flags = thread.State.Flags | callFlags;
        _issue.ReplyTo = resumeActor;
        host.Send(BladeActors.NbdDevice, _issue);
        thread.EndSection(BladeActors.NbdDevice);
    }

    /// <summary>
    /// Takes the device's or the blade's answer. True when the whole run is submitted and the section goes on; false
    /// when another answer will come or the task has gone to sleep.
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
        if (submitted.MustIssue)
        {
            // While it sends, bios may come back and wake for nothing: ask again afterwards.
            run.Short = false;
            Issue(actor);
            return false;
        }

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
