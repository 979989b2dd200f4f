// What a stream says of its run, at its beginning and at its end: JSON, so that any program can read it.
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClusterSwap.Journal;

/// <summary>The run that a stream belongs to. Fields may be added; none changes its meaning.</summary>
public sealed record JournalHeader
{
    /// <summary>Id of the run.</summary>
    public required string RunId { get; init; }

    /// <summary>Number of the stream's partition, from 0.</summary>
    public required int Partition { get; init; }

    /// <summary>Partitions of this epoch.</summary>
    public required int Partitions { get; init; }

    /// <summary>1 for the first writing of the run; a resumed run writes the next.</summary>
    public required int Epoch { get; init; }

    /// <summary>
    /// Virtual time, ns, at which this epoch takes over: what an earlier epoch wrote of later times is not of the run.
    /// </summary>
    public required long FromNs { get; init; }

    /// <summary>How much is recorded: "decisions" or "all".</summary>
    public required string Level { get; init; }

    /// <summary>Name of the scenario.</summary>
    public required string Scenario { get; init; }

    /// <summary>Name of the variant.</summary>
    public required string Variant { get; init; }

    /// <summary>Seed of the run.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The scenario with variant and overrides applied, as TOML.</summary>
    public required string ScenarioToml { get; init; }

    /// <summary>The command that repeats the run; empty when nobody said.</summary>
    public string Command { get; init; } = "";

    /// <summary>Version of the program.</summary>
    public string Program { get; init; } = "";

    /// <summary>The build of rules and engine: identities of their assemblies, which follow from their code.</summary>
    public string Build { get; init; } = "";

    /// <summary>Wall-clock time of the beginning, UTC, ISO 8601; not of the simulation.</summary>
    public string Started { get; init; } = "";

    /// <summary>Virtual time between barriers, ns.</summary>
    public required long BarrierIntervalNs { get; init; }

    /// <summary>Virtual time to stop at, ns; null for the end of the run.</summary>
    public long? UntilNs { get; init; }

    /// <summary>All hosts, by id.</summary>
    public required JournalHost[] Hosts { get; init; }

    /// <summary>Lists of actor names, to which hosts point.</summary>
    public required string[][] ActorLists { get; init; }

    /// <summary>Message types by kind.</summary>
    public required JournalKind[] Kinds { get; init; }

    /// <summary>Names of decisions by number.</summary>
    public required string[] Decisions { get; init; }

    /// <summary>Hosts of this partition, in the order in which digests stand in its barriers.</summary>
    [JsonIgnore]
    public int[] OwnHosts => [.. Hosts.Where(host => host.Partition == Partition).Select(host => host.Id)];

    /// <summary>Name of an actor.</summary>
    public string ActorName(int host, int actor)
    {
        string[] names = ActorLists[Hosts[host].Actors];
        return (uint)actor < (uint)names.Length ? names[actor] : $"actor {actor}";
    }

    /// <summary>Name of a message kind.</summary>
    public string KindName(ushort kind) => Array.Find(Kinds, one => one.Kind == kind)?.Name ?? $"kind {kind}";
}

/// <summary>A host of the run.</summary>
/// <param name="Id">Its number, which is its place in the list.</param>
/// <param name="Name">Its name.</param>
/// <param name="Partition">The partition that records it.</param>
/// <param name="Actors">Which list holds the names of its actors.</param>
public sealed record JournalHost(int Id, string Name, int Partition, int Actors);

/// <summary>A message type.</summary>
/// <param name="Kind">Its number.</param>
/// <param name="Name">Its name.</param>
public sealed record JournalKind(ushort Kind, string Name);

/// <summary>How a run ended.</summary>
public sealed record JournalEnd
{
    /// <summary>The verdict's word.</summary>
    public required string Verdict { get; init; }

    /// <summary>Hash of all that happened.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Virtual time at the end, ns.</summary>
    public required long VirtualNs { get; init; }

    /// <summary>Messages delivered.</summary>
    public required long Messages { get; init; }

    /// <summary>Remarks on the verdict.</summary>
    public string[] Notes { get; init; } = [];

    /// <summary>One line that says what hangs; empty without a hang.</summary>
    public string Hang { get; init; } = "";

    /// <summary>Wall-clock time of the end, UTC, ISO 8601; not of the simulation.</summary>
    public string Ended { get; init; } = "";
}

/// <summary>How header and end are written.</summary>
[JsonSerializable(typeof(JournalHeader))]
[JsonSerializable(typeof(JournalEnd))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class JournalJson : JsonSerializerContext
{
    public static JournalHeader ReadHeader(ReadOnlySpan<byte> json)
        => Read(json, Default.JournalHeader);

    public static JournalEnd ReadEnd(ReadOnlySpan<byte> json) => Read(json, Default.JournalEnd);

    private static T Read<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new InvalidDataException("it says null");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"it is no {typeof(T).Name}: {e.Message}", e);
        }
    }
}
