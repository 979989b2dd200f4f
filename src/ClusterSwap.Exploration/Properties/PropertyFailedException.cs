// A property that does not hold, or that says nothing.
namespace ClusterSwap.Exploration.Properties;

/// <summary>A property does not hold: the smallest deployment that was found, and how to see it again.</summary>
public sealed class PropertyFailedException : Exception
{
    /// <summary>A counterexample.</summary>
    public PropertyFailedException(string message, Finding found, Finding smallest)
        : base(message)
    {
        Found = found;
        Smallest = smallest;
    }

    /// <summary>The first deployment that failed.</summary>
    public Finding Found { get; }

    /// <summary>The smallest that fails alike.</summary>
    public Finding Smallest { get; }
}

/// <summary>Nothing failed, but the sample never reached what it is about: unknown, which does not pass.</summary>
public sealed class PropertyUnknownException(string message, Goal missing) : Exception(message)
{
    /// <summary>What was never reached.</summary>
    public Goal Missing { get; } = missing;
}
