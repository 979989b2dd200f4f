// How simulations of one run, on several machines, tell each other what happened in a window.
namespace ClusterSwap.Engine;

/// <summary>
/// Carries notes between the nodes of a run, each of which has some of its partitions. In every window each node of a
/// group sends one note to each other node of it, and waits for theirs. The engine relies on nothing but that a note
/// arrives whole and once; how long it takes has no effect on what happens.
/// </summary>
public interface IWindowExchange
{
    /// <summary>The number of this node.</summary>
    int Node { get; }

    /// <summary>The node that has a partition, by the partition's place in the options.</summary>
    int NodeOf(int partition);

    /// <summary>Sends a note. It does not wait for the other node. The bytes are the exchange's from now on.</summary>
    /// <param name="node">To whom.</param>
    /// <param name="group">Number of the window group.</param>
    /// <param name="window">Number of the window in its group, from 0.</param>
    /// <param name="note">What to send.</param>
    void Send(int node, int group, long window, byte[] note);

    /// <summary>Waits for the note of a node. Whatever it throws ends the run.</summary>
    /// <exception cref="OperationCanceledException">There will be none: the run goes on elsewhere or not at all.</exception>
    ReadOnlyMemory<byte> Receive(int node, int group, long window);
}
