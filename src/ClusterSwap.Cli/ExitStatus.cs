// Exit statuses that are not a verdict's.
namespace ClusterSwap.Cli;

/// <summary>Exit statuses of the program. Those of verdicts are in <c>VerdictWords.ExitStatus</c>.</summary>
public static class ExitStatus
{
    /// <summary>All is well.</summary>
    public const int Success = 0;

    /// <summary>An assertion of the scenario failed.</summary>
    public const int AssertionFailed = 1;

    /// <summary>A replay does not do what was recorded.</summary>
    public const int Diverged = 15;

    /// <summary>A journal is damaged.</summary>
    public const int Damaged = 16;

    /// <summary>A node was declared dead by its cluster.</summary>
    public const int Lost = 18;

    /// <summary>The command line or the scenario is wrong, or a file cannot be read or written.</summary>
    public const int Usage = 64;

    /// <summary>The program is wrong.</summary>
    public const int Internal = 70;

    /// <summary>The user stopped it.</summary>
    public const int Interrupted = 130;
}

/// <summary>Something that the user can put right: printed without a stack, exit status 64.</summary>
public sealed class UsageException(string message) : Exception(message);
