// The log of a node: text or compact JSON, to standard output or a file.
using System.Globalization;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Compact;
using Serilog.Formatting.Display;

namespace ClusterSwap.Cli.Nodes;

/// <summary>Makes logs.</summary>
internal static class NodeLog
{
    private const string Template = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}";

    /// <summary>A log to a writer, or to a file when one is named.</summary>
    public static Logger Open(TextWriter output, string? file, bool json)
    {
        ITextFormatter formatter = json
            ? new CompactJsonFormatter()
            : new MessageTemplateTextFormatter(Template, CultureInfo.InvariantCulture);
        var configuration = new LoggerConfiguration().MinimumLevel.Information();
        return file is null
            ? configuration.WriteTo.Sink(new WriterSink(output, formatter)).CreateLogger()
            : configuration.WriteTo.File(formatter, file, flushToDiskInterval: TimeSpan.FromSeconds(1)).CreateLogger();
    }

    private sealed class WriterSink(TextWriter output, ITextFormatter formatter) : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            lock (output)
            {
                formatter.Format(logEvent, output);
                output.Flush();
            }
        }
    }
}
