// What a kit's test fails with.
namespace ClusterSwap.Testing;

/// <summary>
/// An expectation of a test does not hold, or its run could not go on. The text tells how to see it again.
/// </summary>
public class SimulationTestException : Exception
{
    /// <summary>What failed, and the story of the run.</summary>
    public SimulationTestException(string what, string story, Exception? cause = null)
        : base($"{what}{Environment.NewLine}{story}", cause) => What = what;

    /// <summary>What failed, without the story.</summary>
    public string What { get; }
}

/// <summary>Actors did something that is no part of virtual time: what happened is no function of the seed.</summary>
public sealed class EscapeFoundException : SimulationTestException
{
    /// <summary>Names the actors.</summary>
    public EscapeFoundException(IReadOnlyList<Escape> escapes, string story)
        : base(string.Join(Environment.NewLine, escapes), story) => Escapes = escapes;

    /// <summary>Who did what, each actor and way once.</summary>
    public IReadOnlyList<Escape> Escapes { get; }
}
