// A journal as JSON lines.
using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ClusterSwap.Blades.Tracing;
using ClusterSwap.Journal;

namespace ClusterSwap.Cli.Runs;

/// <summary>
/// One JSON object a line: first the run, then messages, decisions and digests in order of time, checkpoints as their
/// times, at last the end (docs/runs.md).
/// </summary>
internal static class JournalExport
{
    /// <summary>Writes everything; of a damaged journal all before the damage, which goes to
    /// <paramref name="error"/>.</summary>
    public static int Write(JournalledRun run, TextWriter to, TextWriter error)
    {
        var writer = new LineWriter(to);
        var header = run.Reader.Header;
        Header(writer, run);
        try
        {
            var digests = run.Reader.Digests().GetEnumerator();
            var more = digests.MoveNext();
            foreach (var one in run.Reader.Events(new EventFilter()))
            {
                for (; more && digests.Current.TimeNs <= one.TimeNs; more = digests.MoveNext())
                {
                    Digest(writer, header, digests.Current);
                }

                Event(writer, run, in one);
            }

            for (; more; more = digests.MoveNext())
            {
                Digest(writer, header, digests.Current);
            }

            if (run.Reader.Check() is { } damage)
            {
                throw damage;
            }
        }
        catch (JournalDamageException e)
        {
            error.WriteLine("clusterswap: " + e.Message);
            return ExitStatus.Damaged;
        }

        End(writer, run);
        return ExitStatus.Success;
    }

    private static void Header(LineWriter writer, JournalledRun run)
    {
        var header = run.Reader.Header;
        writer.Line("run", json =>
        {
            json.WriteNumber("schema", 1);
            json.WriteString("run_id", run.RunId);
            json.WriteString("scenario", header.Scenario);
            json.WriteString("variant", header.Variant);
            json.WriteNumber("seed", header.Seed);
            json.WriteString("level", header.Level);
            json.WriteString("program", header.Program);
            json.WriteString("build", header.Build);
            json.WriteString("started", header.Started);
            json.WriteString("scenario_toml", header.ScenarioToml);
            json.WriteStartArray("hosts");
            foreach (var host in header.Hosts)
            {
                json.WriteStringValue(host.Name);
            }

            json.WriteEndArray();
        });
        foreach (var checkpoint in run.Reader.Checkpoints)
        {
            writer.Line("checkpoint", json =>
            {
                json.WriteNumber("ns", checkpoint.BarrierNs);
                json.WriteNumber("epoch", checkpoint.Epoch);
                json.WriteNumber("bytes", checkpoint.Bytes);
            });
        }
    }

    private static void Event(LineWriter writer, JournalledRun run, in RecordedEvent one)
    {
        var header = run.Reader.Header;
        if (one.IsDecision)
        {
            var decision = one.Decision;
            writer.Line("decision", json =>
            {
                Place(json, header, decision.Record.TimeNs, decision.Host, decision.Number);
                json.WriteString("what", decision.Record.Event.ToString());
                json.WriteNumber("task", decision.Record.Task);
                json.WriteString("comm", TextOf(run, decision.Host).CommOf(decision.Record.Task));
                json.WriteNumber("cpu", decision.Record.Cpu);
                json.WriteString("fields", TextOf(run, decision.Host).Fields(decision.Record));
            });
            return;
        }

        var message = one.Message;
        writer.Line("message", json =>
        {
            Place(json, header, message.TimeNs, message.Host, message.Number);
            json.WriteString("actor", header.ActorName(message.Host, message.Actor));
            json.WriteString("kind", header.KindName(message.Kind));
            json.WriteString("cause_host", header.Hosts[message.CauseHost].Name);
            json.WriteNumber("cause", message.Cause);
        });
    }

    private static TraceText TextOf(JournalledRun run, int host)
    {
        var name = run.Reader.Header.Hosts[host].Name;
        var group = run.Scenario.Blades.First(g => Enumerable.Range(0, g.Count).Any(i => g.BladeName(i) == name));
        return TraceText.For(group, run.Scenario.Faults);
    }

    private static void Place(Utf8JsonWriter json, JournalHeader header, long timeNs, int host, long number)
    {
        json.WriteNumber("ns", timeNs);
        json.WriteString("host", header.Hosts[host].Name);
        json.WriteNumber("number", number);
    }

    private static void Digest(LineWriter writer, JournalHeader header, RecordedDigest digest) => writer.Line("digest", json =>
    {
        json.WriteNumber("ns", digest.TimeNs);
        json.WriteString("host", header.Hosts[digest.Host].Name);
        json.WriteNumber("messages", digest.Messages);
        json.WriteString("digest", digest.Digest.ToString("x32", CultureInfo.InvariantCulture));
    });

    private static void End(LineWriter writer, JournalledRun run)
    {
        if (run.Reader.End is { } end)
        {
            writer.Line("end", json =>
            {
                json.WriteString("verdict", end.Verdict);
                json.WriteString("fingerprint", end.Fingerprint);
                json.WriteNumber("ns", end.VirtualNs);
                json.WriteNumber("messages", end.Messages);
                json.WriteString("hang", end.Hang);
                json.WriteString("ended", end.Ended);
            });
        }
    }

    /// <summary>Objects with a word for their kind, a line each.</summary>
    private sealed class LineWriter(TextWriter to)
    {
        private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

        private readonly ArrayBufferWriter<byte> _line = new();

        public void Line(string kind, Action<Utf8JsonWriter> body)
        {
            _line.Clear();
            using (var json = new Utf8JsonWriter(_line, s_options))
            {
                json.WriteStartObject();
                json.WriteString("type", kind);
                body(json);
                json.WriteEndObject();
            }

            to.Write(Encoding.UTF8.GetString(_line.WrittenSpan));
            to.Write('\n');
        }
    }
}
