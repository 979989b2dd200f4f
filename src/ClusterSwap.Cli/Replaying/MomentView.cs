// What `replay` shows of a moment: tables, events, JSON.
using System.Text.Encodings.Web;
using System.Text.Json;
using ClusterSwap.Blades;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Cli.Runs;

namespace ClusterSwap.Cli.Replaying;

/// <summary>A moment of a run, ready to be shown.</summary>
internal sealed class MomentView(
    JournalledRun run, Cluster cluster, long momentNs, bool withState, IReadOnlyList<BladePlace> blades,
    IReadOnlyList<TrailItem> events, long dropped)
{
    /// <summary>Prints everything.</summary>
    public void Print(CliConsole console, int mostBlades)
    {
        var header = run.Reader.Header;
        console.Out.WriteLine($"{header.Scenario}, variant {header.Variant}, seed {header.Seed}: run {run.RunId}");
        if (withState)
        {
            console.Out.WriteLine($"at {Moments.Seconds(momentNs)} of {Moments.Seconds(run.LastNs)}, before anything of that time");
            foreach (var place in blades.Take(mostBlades))
            {
                Print(console, place);
            }

            if (blades.Count > mostBlades)
            {
                console.Out.WriteLine($"and {blades.Count - mostBlades} more blades: name one with --blade");
            }
        }

        if (events.Count > 0)
        {
            console.Out.WriteLine();
            foreach (var line in EventTable(run, cluster, events).Lines())
            {
                console.Out.WriteLine(line);
            }
        }

        if (dropped > 0)
        {
            console.Out.WriteLine("and more: narrow it with --to, --blade and --kind, or see more with --most");
        }
    }

    /// <summary>One document, schema 1 (docs/replay.md).</summary>
    public byte[] ToJson() => ReplayJson.Write(run, json =>
    {
        json.WriteNumber("at_seconds", momentNs / 1_000_000_000m);
        json.WriteNumber("end_seconds", run.LastNs / 1_000_000_000m);
        json.WriteStartArray("blades");
        foreach (var place in blades)
        {
            json.WriteStartObject();
            json.WriteString("name", place.Name);
            foreach (var table in BladeMoment.Of(cluster, place))
            {
                ReplayJson.Table(json, table);
            }

            ReplayJson.Texts(json, "story", BladeMoment.Story(cluster, place));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        ReplayJson.Table(json, EventTable(run, cluster, events));
        json.WriteBoolean("events_complete", dropped == 0);
    });

    /// <summary>Events as a table. An event that took time to arrive has a star; a decision has no receiver.</summary>
    public static MomentTable EventTable(JournalledRun run, Cluster cluster, IReadOnlyList<TrailItem> events)
    {
        var hosts = run.Reader.Header.Hosts;
        var table = new MomentTable("events", "seconds", "event", "at", "actor", "what", "cause", "fields");
        foreach (var item in events)
        {
            var cause = item.Cause == 0 ? "outside" : $"{hosts[item.CauseHost].Name}:{item.Cause}";
            table.Add(
                Moments.Digits(item.TimeNs), $"{hosts[item.Host].Name}:{item.Number}", item.IsEvent ? "*" : "",
                item.Record is null ? cluster.Simulation.ActorName(item.Host, item.Actor) : "",
                item.Kind, item.Record is null ? cause : "", item.Text);
        }

        return table;
    }

    private void Print(CliConsole console, BladePlace place)
    {
        console.Out.WriteLine();
        console.Out.WriteLine(place.Name);
        foreach (var line in BladeMoment.Story(cluster, place))
        {
            console.Out.WriteLine("  " + line);
        }

        foreach (var table in BladeMoment.Of(cluster, place))
        {
            console.Out.WriteLine();
            console.Out.WriteLine("  " + table.Name.Replace('_', ' '));
            foreach (var line in table.Lines())
            {
                console.Out.WriteLine("    " + line);
            }
        }
    }
}

/// <summary>JSON of replays: one document with the run's head.</summary>
internal static class ReplayJson
{
    private const int Schema = 1;

    /// <summary>The document, UTF-8, with a line end behind it.</summary>
    public static byte[] Write(JournalledRun run, Action<Utf8JsonWriter> body)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions
        {
            Indented = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        }))
        {
            json.WriteStartObject();
            json.WriteNumber("schema", Schema);
            json.WriteString("run_id", run.RunId);
            json.WriteString("scenario", run.Reader.Header.Scenario);
            json.WriteString("variant", run.Reader.Header.Variant);
            json.WriteNumber("seed", run.Reader.Header.Seed);
            body(json);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
        return stream.ToArray();
    }

    /// <summary>A table as a list of objects.</summary>
    public static void Table(Utf8JsonWriter json, MomentTable table)
    {
        json.WriteStartArray(table.Name);
        foreach (var row in table.Rows)
        {
            json.WriteStartObject();
            for (var i = 0; i < row.Length; i++)
            {
                Value(json, table.Columns[i], row[i]);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>A list of texts.</summary>
    public static void Texts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    private static void Value(Utf8JsonWriter json, string name, object? value)
    {
        if (value is long number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteString(name, (string?)value);
        }
    }
}
