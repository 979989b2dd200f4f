// The cap on messages at one instant, and the cycle that is shown when it is reached.
using System.Text;

namespace ClusterSwap.Engine;

public sealed partial class HostContext
{
    /// <summary>How many of the last messages before the cap are looked at for a cycle.</summary>
    internal const int LivelockMemory = 64;

    private (int Actor, ushort Kind)[]? _recent;

    /// <summary>
    /// Records one of the last messages before the cap; true when the cap is reached, which is a fault.
    /// </summary>
    private bool Livelocked(int actor, ushort kind)
    {
        _recent ??= new (int, ushort)[LivelockMemory];
        int position = _instantMessages - _simulation.LivelockWatchFrom - 1;
        if (position < LivelockMemory)
        {
            _recent[position] = (actor, kind);
            return false;
        }

        CurrentActor = -1;
        Fault($"livelock: more than {_simulation.MessagesPerInstantMax} messages at one instant; {DescribeCycle()}");
        return true;
    }

    private string DescribeCycle()
    {
        int period = 1;
        while (period < LivelockMemory / 2 && !Repeats(period))
        {
            period++;
        }

        bool repeats = Repeats(period);
        int shown = repeats ? period : LivelockMemory / 4;
        var text = new StringBuilder(repeats ? $"a cycle of {period}: " : "no short cycle, the last were: ");
        for (int i = LivelockMemory - shown; i < LivelockMemory; i++)
        {
            (int actor, ushort kind) = _recent![i];
            text.Append(i == LivelockMemory - shown ? string.Empty : " -> ");
            text.Append(ActorName(actor)).Append(' ').Append(_registry.NameOf(kind));
        }

        return text.ToString();
    }

    private bool Repeats(int period)
    {
        for (int i = period; i < LivelockMemory; i++)
        {
            if (_recent![i] != _recent[i - period])
            {
                return false;
            }
        }

        return true;
    }
}
