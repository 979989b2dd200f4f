// Time in steps: what is due at one instant is done event by event.
namespace ClusterSwap.Engine;

public sealed partial class HostContext
{
    private readonly List<PendingEvent> _due = [];

    /// <summary>
    /// Runs one event, the strategy's choice among those that are due next, with all that it leads to at that instant. The
    /// host is at rest before and after.
    /// </summary>
    internal void RunOneEvent()
    {
        t_running = this;
        try
        {
            NowNs = _heap.NextNs;
            _instantMessages = 0;
            RunOneDue();
        }
        catch (Exception e)
        {
            SetFault(e.Message, e);
        }
        finally
        {
            EndTurn();
        }
    }

    private void RunDueEvents()
    {
        long nowNs = NowNs;
        do
        {
            RunOneDue();
        }
        while (_heap.NextNs == nowNs && _fault is null);
        CurrentActor = -1;
    }

    private void RunOneDue()
    {
        PendingEvent first = _schedule is null ? _heap.PopPending() : ChooseDue();
        int sourceHost = (int)(first.Source >> 32);
        int sender = sourceHost == HostId ? (int)(uint)first.Source - 1 : -2 - sourceHost;
        _ring.Push(first.Message, first.Actor, sender, first.Cause, root: 0);
        Events++;
        if (_interceptor is not null)
        {
            NoteOrigin(first.Message, first.Source);
        }

        while (_ring.Count > 0 && _fault is null)
        {
            Deliver();
        }
    }

    /// <summary>Of the events that are due, those between the same two actors come in their order.</summary>
    private PendingEvent ChooseDue()
    {
        _due.Clear();
        long nowNs = _heap.NextNs;
        do
        {
            _due.Add(_heap.PopPending());
        }
        while (_heap.NextNs == nowNs);

        int picked = _due.Count == 1 ? 0 : ChooseAmongDue();
        for (int i = 0; i < _due.Count; i++)
        {
            if (i != picked)
            {
                _heap.Push(_due[i]);
            }
        }

        return _due[picked];
    }

    private int ChooseAmongDue()
    {
        GrowChoices();
        int count = 0;
        for (int i = 0; i < _due.Count && count < ChoiceReach; i++)
        {
            PendingEvent due = _due[i];
            if (_due.FindIndex(before => before.Source == due.Source && before.Actor == due.Actor) == i)
            {
                int host = (int)(due.Source >> 32);
                int sender = host == HostId ? (int)(uint)due.Source - 1 : -2 - host;
                _choices[count] = new ScheduleChoice(sender, due.Actor, due.Message.Kind);
                _choiceOffsets[count++] = i;
            }
        }

        return _choiceOffsets[Choose(_choices.AsSpan(0, count))];
    }
}
