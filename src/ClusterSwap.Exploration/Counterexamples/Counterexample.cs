// A failure as data: the scenario, its seed and schedule, and what comes of them.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Exploration.Counterexamples;

/// <summary>A file that is no counterexample; the text says why.</summary>
public sealed class CounterexampleException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// A run that ends in a certain way, complete in itself: it is made again from virtual time 0, in any process, with the
/// same fingerprint. docs/explore.md describes its file.
/// </summary>
public sealed record Counterexample
{
    private const int Schema = 1;

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The scenario, resolved; its seed is the run's.</summary>
    public required Scenario Scenario { get; init; }

    /// <summary>Which order, in words.</summary>
    public required string Strategy { get; init; }

    /// <summary>How it ends.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>Virtual time at which that was seen, ns.</summary>
    public required long AtNs { get; init; }

    /// <summary>Hash of all that happened up to then.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The decisions that were not the default ones, a sentence each; not compared.</summary>
    public IReadOnlyList<string> Steps { get; init; } = [];

    /// <summary>The story of the end, a sentence each; it is not compared.</summary>
    public IReadOnlyList<string> Story { get; init; } = [];

    /// <summary>The event after which no schedule recovers, a sentence; null when nobody looked for it. Not
    /// compared.</summary>
    public string? Critical { get; init; }

    /// <summary>Reads a file.</summary>
    /// <exception cref="CounterexampleException">It cannot be read, or is none.</exception>
    public static Counterexample Load(string path)
    {
        try
        {
            return Parse(File.ReadAllText(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CounterexampleException($"{path} cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
        catch (Exception e) when (e is JsonException or FormatException or ScenarioException or ArgumentException)
        {
            throw new CounterexampleException($"{path} is no counterexample of schema {Schema}: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <summary>The text of its file.</summary>
    public string ToJson() => JsonSerializer.Serialize(
        new Document(
            Schema,
            VerdictWords.Word(Verdict),
            AtNs,
            Fingerprint,
            Strategy,
            Steps,
            Story,
            Critical,
            Scenario.ToToml().TrimEnd('\n').Split('\n')),
        s_json) + "\n";

    /// <summary>Makes the run again.</summary>
    public Reproduction Reproduce(CancellationToken stop = default)
    {
        var strategy = StrategyText.Parse(Strategy);
        using var runner = new ScheduleRunner(Scenario, Scenario.Seed);
        var found = runner.Run(runner.Start, strategy, new ScheduleLimits(AtNs, long.MaxValue), stop);
        var sighting = runner.Fault is null ? runner.Look() : null;
        return new Reproduction(this, found, strategy.Divergence, sighting?.Hang, runner.Fault ?? sighting?.Note);
    }

    private static Counterexample Parse(string text)
    {
        var document = JsonSerializer.Deserialize<Document>(text, s_json) ?? throw new JsonException("it is empty");
        if (document.Schema != Schema)
        {
            throw new FormatException($"its schema is {document.Schema}");
        }

        // Refused here rather than in the middle of the run.
        StrategyText.Parse(document.Strategy);
        var verdict = Array.FindIndex(Enum.GetValues<Verdict>(), v => VerdictWords.Word(v) == document.Verdict);
        return new Counterexample
        {
            Scenario = ScenarioFile.Parse(string.Join('\n', document.Scenario), "scenario").Resolve(),
            Strategy = document.Strategy,
            Verdict = verdict < 0
                ? throw new FormatException($"\"{document.Verdict}\" is no verdict")
                : Enum.GetValues<Verdict>()[verdict],
            AtNs = document.AtNs,
            Fingerprint = document.Fingerprint,
            Steps = document.Steps,
            Story = document.Story,
            Critical = document.Critical,
        };
    }

    private sealed record Document(
        int Schema,
        string Verdict,
        long AtNs,
        string Fingerprint,
        string Strategy,
        IReadOnlyList<string> Steps,
        IReadOnlyList<string> Story,
        string? Critical,
        IReadOnlyList<string> Scenario);
}

/// <summary>A counterexample that was run again.</summary>
/// <param name="Expected">The counterexample.</param>
/// <param name="Found">How the run ended now.</param>
/// <param name="Divergence">Where the schedule could not be followed; null when it could.</param>
/// <param name="Hang">The story of its hang; null without one.</param>
/// <param name="Note">A remark on its end; null without one.</param>
public sealed record Reproduction(
    Counterexample Expected, ScheduleOutcome Found, string? Divergence, HangReport? Hang, string? Note)
{
    /// <summary>Same verdict and same fingerprint, and so the same run.</summary>
    public bool Same => Found.Verdict == Expected.Verdict && Found.Fingerprint == Expected.Fingerprint;
}
