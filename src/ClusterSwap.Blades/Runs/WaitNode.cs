// A node of the wait-for graph: what can go on, and what it needs for that.
namespace ClusterSwap.Blades.Runs;

/// <summary>
/// A task, a lock, or something else that is waited for. It can go on by itself, or by any one of its ways out, each of
/// which needs that all its nodes can go on.
/// </summary>
internal sealed class WaitNode
{
    private readonly List<WaitNode[]> _ways = [];

    /// <summary>Why it can go on without anybody else, as a sentence without its dot; empty when it cannot.</summary>
    public string ByItself { get; private set; } = "";

    /// <summary>It can go on, as far as is known yet.</summary>
    public bool CanGoOn { get; private set; }

    /// <summary>It needs nobody; <paramref name="why"/> stays empty where it only is in nobody's way.</summary>
    public void GoesOn(string why = "")
    {
        ByItself = why;
        CanGoOn = true;
    }

    /// <summary>One way out: all of <paramref name="needed"/> together.</summary>
    public void Needs(params WaitNode[] needed) => _ways.Add(needed);

    /// <summary>Looks at its ways out once; true when it can go on and could not before.</summary>
    public bool Settle()
    {
        if (CanGoOn)
        {
            return false;
        }

        foreach (var way in _ways)
        {
            if (Array.TrueForAll(way, node => node.CanGoOn))
            {
                CanGoOn = true;
                return true;
            }
        }

        return false;
    }
}
