// Who decides between tasks that a scheduler holds for equal.
namespace ClusterSwap.Engine;

/// <summary>Chooses among tasks any of which the scheduler might run next.</summary>
public interface ITaskChooser
{
    /// <summary>Whether it may choose another one than the first.</summary>
    bool Chooses { get; }

    /// <summary>Place of the task that runs next; the first is the one that is furthest behind.</summary>
    int Choose(ReadOnlySpan<int> tasks);
}
