// `clusterswap replay FILE` of a saved counterexample.
using System.Text;
using ClusterSwap.Blades.Replaying;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Cli.Replaying;
using ClusterSwap.Exploration.Counterexamples;

namespace ClusterSwap.Cli.Exploring;

/// <summary>Makes the run of a counterexample again and says whether it is the same.</summary>
internal sealed class CounterexampleReplay(CliConsole console, ReplayOptions options)
{
    /// <summary>Whether what the user named is such a file rather than a run.</summary>
    public static bool Is(string named) => named.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && File.Exists(named);

    /// <summary>Runs it; exit status 15 when it is not the same, else that of its verdict.</summary>
    public int Run(CancellationToken stop)
    {
        if (options.Mode != ReplayMode.Look || options.AtNs is not null || options.JsonFile is not null)
        {
            throw new UsageException("a counterexample is run whole: replay FILE takes --quiet and nothing else");
        }

        Reproduction again;
        try
        {
            again = Counterexample.Load(options.Run).Reproduce(stop);
        }
        catch (CounterexampleException e)
        {
            throw new UsageException(e.Message);
        }

        var (found, expected) = (again.Found, again.Expected);
        console.Out.WriteLine(
            $"{VerdictWords.Word(found.Verdict)} at {Moments.Seconds(found.AtNs)}, fingerprint {found.Fingerprint}: "
            + (again.Same ? "as recorded" : "not as recorded"));
        if (!options.Quiet)
        {
            foreach (var line in again.Hang is { } hang ? [hang.Banner, .. hang.Cycle] : Remarks(again))
            {
                console.Out.WriteLine("  " + line);
            }
        }

        if (again.Same)
        {
            return VerdictWords.ExitStatus(found.Verdict);
        }

        var text = new StringBuilder($"recorded was {VerdictWords.Word(expected.Verdict)} at {Moments.Seconds(expected.AtNs)}, ")
            .Append("fingerprint ").Append(expected.Fingerprint);
        console.Out.WriteLine(text.Append(again.Divergence is { } where ? "; " + where : "").ToString());
        return ExitStatus.Diverged;
    }

    private static string[] Remarks(Reproduction again) => again.Note is { } note ? [note] : [];
}
