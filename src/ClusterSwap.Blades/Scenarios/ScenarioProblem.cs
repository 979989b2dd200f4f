// What is wrong with a scenario: where, which key, what was found, what is allowed, what was probably meant.
namespace ClusterSwap.Blades.Scenarios;

/// <summary>A place in a scenario's text.</summary>
/// <param name="File">File as the user named it, or <c>--set</c>.</param>
/// <param name="Line">From 1; 0 when there is no text, as for <c>--set</c>.</param>
/// <param name="Column">From 1, in characters; 0 when there is no text.</param>
public readonly record struct SourcePlace(string File, int Line, int Column)
{
    /// <summary>The place of all values given on the command line.</summary>
    public static SourcePlace CommandLine => new("--set", 0, 0);

    /// <inheritdoc/>
    public override string ToString() => Line == 0 ? File : $"{File}:{Line}:{Column}";
}

/// <summary>One thing that is wrong with a scenario.</summary>
/// <param name="Place">Where.</param>
/// <param name="Key">Full path of the key, empty when the whole file is meant.</param>
/// <param name="What">What is wrong, a clause without a full stop.</param>
/// <param name="Found">What stands there; empty when nothing does.</param>
/// <param name="Allowed">What may stand there; empty when that is clear.</param>
/// <param name="Meant">Nearest thing that would be accepted, or null.</param>
public sealed record ScenarioProblem(
    SourcePlace Place, string Key, string What, string Found, string Allowed, string? Meant)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Place}: {(Key.Length == 0 ? "" : Key + ": ")}{What}."
        + (Found.Length == 0 ? "" : $" Found: {Found}.")
        + (Allowed.Length == 0 ? "" : $" Allowed: {Allowed}.")
        + (Meant is null ? "" : $" Did you mean {Meant}?");
}

/// <summary>A scenario that cannot be used. The text is one line per problem.</summary>
public sealed class ScenarioException(IReadOnlyList<ScenarioProblem> problems)
    : Exception(string.Join('\n', problems))
{
    /// <summary>All problems found, in the order of the text; at least one.</summary>
    public IReadOnlyList<ScenarioProblem> Problems { get; } = problems;

    /// <summary>A single problem.</summary>
    public ScenarioException(ScenarioProblem problem)
        : this([problem])
    {
    }
}
