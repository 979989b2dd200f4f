// Where the program writes, and whether somebody watches.
using Spectre.Console;

namespace ClusterSwap.Cli;

/// <summary>The two streams of the program. Results go to <paramref name="Out"/>, progress and errors to
/// <paramref name="Error"/>.</summary>
/// <param name="Out">Standard output.</param>
/// <param name="Error">Standard error.</param>
/// <param name="OutIsTerminal">Colours are allowed on standard output.</param>
/// <param name="ErrorIsTerminal">A line of standard error may be rewritten in place.</param>
/// <param name="Width">Columns of a line.</param>
public sealed record CliConsole(
    TextWriter Out, TextWriter Error, bool OutIsTerminal, bool ErrorIsTerminal, int Width)
{
    private const int WidthOfFiles = 120;

    /// <summary>The process's own console.</summary>
    public static CliConsole Real()
    {
        Console.OutputEncoding = System.Text.Encoding.UTF8;
        var width = Console.IsOutputRedirected ? WidthOfFiles : Math.Max(40, Console.WindowWidth);
        return new CliConsole(
            Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected, width);
    }

    /// <summary>Standard output for tables: without any control character unless it is a terminal.</summary>
    public IAnsiConsole Tables()
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = OutIsTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = OutIsTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Out),
        });
        console.Profile.Width = Width;
        return console;
    }
}
