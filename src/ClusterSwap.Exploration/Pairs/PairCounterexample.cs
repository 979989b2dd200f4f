// A pair that shows a prediction, as data.
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Exploration.Pairs;

/// <summary>One side as it was recorded.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Cause">Why it hung.</param>
/// <param name="VirtualNs">When it ended, ns of virtual time.</param>
/// <param name="Fingerprint">Hash of what happened.</param>
/// <param name="Measures">What was counted.</param>
public sealed record PairSide(
    Outcome Outcome, HangCause Cause, long VirtualNs, string Fingerprint, IReadOnlyDictionary<string, long> Measures)
{
    /// <summary>A side of a pair that ran.</summary>
    public static PairSide Of(Observation side) => new(
        side.Finding.Outcome, side.Finding.Cause, side.Finding.VirtualNs, side.Finding.Fingerprint,
        side.Measures.Named.ToDictionary());
}

/// <summary>
/// A deployment that shows a prediction, complete in itself: it is made again in any process, with the same fingerprints
/// on both sides. docs/studies/without-one-patch.md describes its file.
/// </summary>
public sealed record PairCounterexample
{
    private const int KnownSchema = 1;

    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        IgnoreReadOnlyProperties = true,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(), new FixedListConverter() },
    };

    /// <summary>Version of the file's format.</summary>
    public int Schema { get; init; } = KnownSchema;

    /// <summary>Name of the prediction.</summary>
    public required string Prediction { get; init; }

    /// <summary>What the facts predict; not compared.</summary>
    public string Facts { get; init; } = "";

    /// <summary>How it is told; not compared.</summary>
    public string Told { get; init; } = "";

    /// <summary>The deployment, with all patches.</summary>
    public required Deployment Deployment { get; init; }

    /// <summary>Order among the messages of one instant.</summary>
    public required string Schedule { get; init; }

    /// <summary>The side with all patches.</summary>
    public required PairSide With { get; init; }

    /// <summary>The side without one.</summary>
    public required PairSide Without { get; init; }

    /// <summary>How many seeds show it.</summary>
    public SeedCount Seeds { get; init; }

    /// <summary>What the side without the patch does differently; not compared.</summary>
    public IReadOnlyList<string> Steps { get; init; } = [];

    /// <summary>The story of the side without the patch; not compared.</summary>
    public IReadOnlyList<string> Story { get; init; } = [];

    /// <summary>A pair that ran.</summary>
    public static PairCounterexample Of(
        Prediction prediction, PairedFinding pair, SeedCount seeds, IReadOnlyList<string> steps) => new()
        {
            Prediction = prediction.Name,
            Facts = prediction.Facts,
            Told = prediction.Told,
            Deployment = pair.Deployment,
            Schedule = pair.Schedule.Describe(),
            With = PairSide.Of(pair.With),
            Without = PairSide.Of(pair.Without),
            Seeds = seeds,
            Steps = steps,
            Story = pair.Without.Finding.Story,
        };

    /// <summary>Reads a file.</summary>
    /// <exception cref="CounterexampleException">It cannot be read, or is none.</exception>
    public static PairCounterexample Load(string path)
    {
        try
        {
            var read = JsonSerializer.Deserialize<PairCounterexample>(File.ReadAllText(path), s_json)
                ?? throw new JsonException("it is empty");
            if (read.Schema != KnownSchema)
            {
                throw new FormatException($"its schema is {read.Schema}");
            }

            // Refused here rather than in the middle of the run.
            StrategyText.Parse(read.Schedule);
            read.Deployment.ToScenario();
            _ = read.Found;
            return read;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CounterexampleException($"{path} cannot be read: {e.Message.TrimEnd('.')}.", e);
        }
        catch (Exception e) when (e is JsonException or FormatException or ArgumentException or ScenarioException)
        {
            throw new CounterexampleException(
                $"{path} is no pair of schema {KnownSchema}: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <summary>The text of its file.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, s_json) + "\n";

    /// <summary>Runs both sides again.</summary>
    public PairedFinding Reproduce(PressureThenCalm? shape = null) =>
        new PairSearch(Found, shape ?? new PressureThenCalm()).Run(Deployment, StrategyText.Parse(Schedule));

    /// <summary>Whether a pair that ran again shows what was predicted.</summary>
    public bool IsShownBy(PairedFinding pair) => Found.Shows(pair.With, pair.Without);

    /// <summary>Whether a pair that ran again is the recorded one, to the last event of both sides.</summary>
    public bool IsSame(PairedFinding pair) =>
        pair.With.Finding.Fingerprint == With.Fingerprint && pair.Without.Finding.Fingerprint == Without.Fingerprint;

    private Prediction Found => Predictions.All.FirstOrDefault(known => known.Name == Prediction)
        ?? throw new FormatException($"\"{Prediction}\" is no prediction");
}
