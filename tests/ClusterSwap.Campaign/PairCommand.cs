// --without and --replay: pairs with all patches and with all but one.
using System.Globalization;
using ClusterSwap.Engine;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Pairs;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Campaign;

/// <summary>Searches drawn deployments for pairs that show what the kernel facts predict without a patch.</summary>
internal sealed class PairCommand
{
    private const long SecondNs = 1_000_000_000;

    // Found pairs that are looked at more closely before one is made smaller.
    private const int Candidates = 6;

    // Most of a hung run is the wait for certainty: a tenth will do until the last run.
    private static readonly PressureThenCalm s_quick = new() { SuspicionNs = SecondNs };

    /// <summary>Deployments, by number.</summary>
    public required IReadOnlyList<ulong> Numbers { get; init; }

    /// <summary>Drawn schedules of each, beside fifo.</summary>
    public required int Schedules { get; init; }

    /// <summary>Makes the smallest that was found smaller.</summary>
    public required bool Minimise { get; init; }

    /// <summary>Seeds that the smallest is counted over.</summary>
    public required int Seeds { get; init; }

    /// <summary>Where the pairs go; nowhere by default.</summary>
    public required DirectoryInfo? Folder { get; init; }

    /// <summary>What is wrong with a patch or the name of a prediction; null when nothing is.</summary>
    public static string? Explain(int patch, string? name)
    {
        var known = Predictions.Of(patch);
        if (known.Count == 0)
        {
            var patches = Predictions.All.Select(prediction => prediction.Patch).Distinct();
            return $"--without: nothing is predicted of patch {patch} here. Allowed: {string.Join(", ", patches)}.";
        }

        return name is null || known.Any(prediction => prediction.Name == name)
            ? null
            : $"--prediction: \"{name}\" is none of patch {patch}. Allowed: {string.Join(", ", known.Select(p => p.Name))}.";
    }

    /// <summary>Runs the pair of a file again; 0 when it is the same, 1 when it only shows the same, 15 when it does
    /// not.</summary>
    public static int Replay(string path)
    {
        var recorded = PairCounterexample.Load(path);
        var pair = recorded.Reproduce();
        Tell(pair);
        var shown = recorded.IsShownBy(pair);
        var same = recorded.IsSame(pair);
        Console.WriteLine(same ? "the recorded pair, to the last event" : "not the recorded pair: other fingerprints");
        Console.WriteLine(shown ? "it shows what is predicted" : "it does not show what is predicted");
        return same && shown ? 0 : shown ? 1 : 15;
    }

    /// <summary>Searches for all predictions of a patch, or for one; 0 when each was found.</summary>
    public int Run(int patch, string? name)
    {
        var missing = 0;
        foreach (var prediction in Predictions.Of(patch).Where(each => name is null || each.Name == name))
        {
            missing += Search(prediction) ? 0 : 1;
            Console.WriteLine();
        }

        return missing == 0 ? 0 : 1;
    }

    private bool Search(Prediction prediction)
    {
        Console.WriteLine($"{prediction.Name}: {prediction.Facts}.");
        Console.WriteLine($"told when {prediction.Told}.");
        var search = new PairSearch(prediction, s_quick);
        var found = new List<(ulong Number, Deployment Deployment, ScheduleStrategy Schedule)>();
        var contrary = 0;
        var pairs = 0;
        foreach (var number in Numbers)
        {
            var deployment = prediction.Draws.Draw(number);
            for (var schedule = 0; schedule <= Schedules; schedule++)
            {
                var strategy = schedule == 0
                    ? ScheduleStrategy.Fifo
                    : ScheduleStrategy.Random((number << 16) + (ulong)schedule);
                pairs++;
                switch (search.Judge(deployment, strategy))
                {
                    case PairVerdict.Shown:
                        found.Add((number, deployment, strategy));
                        break;
                    case PairVerdict.Contrary:
                        contrary++;
                        break;
                }
            }
        }

        var numbers = found.Select(pair => pair.Number).Distinct().Take(12);
        Console.WriteLine(
            Text($"{found.Count:N0} of {pairs:N0} pairs show it, {contrary:N0} the contrary; ")
            + Text($"numbers {string.Join(", ", numbers)}{(found.Count > 12 ? " ..." : "")}"));
        if (found.Count == 0)
        {
            return false;
        }

        var order = found[0].Schedule;
        var smallest = found[0].Deployment;
        if (Minimise)
        {
            var candidates = found.Where(pair => pair.Schedule.Describe() == order.Describe())
                .OrderBy(pair => pair.Deployment.BladeCount).ThenBy(pair => pair.Deployment.Processes).Take(Candidates);
            smallest = search.Steadiest(candidates.Select(pair => pair.Deployment), order);
            Console.WriteLine($"smaller: {smallest}");
            smallest = search.Smallest(smallest, order, step => Console.WriteLine($"smaller: {step}"));
        }

        Conclude(prediction, smallest, order);
        return true;
    }

    // Once more with all the patience that a verdict takes, and under other seeds.
    private void Conclude(Prediction prediction, Deployment deployment, ScheduleStrategy order)
    {
        var seeds = Minimise ? new PairSearch(prediction, s_quick).Count(deployment, order, Seeds) : default;
        var pair = new PairSearch(prediction, new PressureThenCalm()).Run(deployment, order);
        var steps = PairSteps.Of(pair, s_quick);
        var record = PairCounterexample.Of(prediction, pair, seeds, steps);
        Tell(pair);
        Console.WriteLine(record.IsShownBy(pair) ? "shown" : "not shown when run in full");
        if (Minimise)
        {
            Console.WriteLine(Text($"of {seeds.Tried} seeds {seeds.Shown} show it, {seeds.Contrary} the contrary"));
        }

        foreach (var step in steps)
        {
            Console.WriteLine("  " + step);
        }

        if (Folder is not null)
        {
            Folder.Create();
            var path = Path.Combine(Folder.FullName, prediction.Name);
            File.WriteAllText(path + ".json", record.ToJson());
            File.WriteAllText(path + ".toml", PairedFinding.AllBut(deployment, prediction.Patch).ToToml());
            Console.WriteLine($"written to {path}.json, and as a scenario to {path}.toml");
        }
    }

    private static void Tell(PairedFinding pair)
    {
        Console.WriteLine($"{pair.Deployment}, schedule {pair.Schedule.Describe()}");
        Tell("with all patches", pair.With);
        Tell($"without {pair.Patch}", pair.Without);
    }

    private static void Tell(string side, Observation observation)
    {
        var finding = observation.Finding;
        var cause = finding.Cause == HangCause.None ? "" : $" ({HangCauses.Of(finding.Cause)})";
        var measures = observation.Measures.Named.Where(each => each.Value != 0).Select(
            each => Text($"{each.Key} {each.Value:N0}"));
        Console.WriteLine(Text($"  {side}: {finding.Outcome}{cause} at {finding.VirtualNs / 1e9:N3} s, fingerprint {finding.Fingerprint}"));
        Console.WriteLine($"    {string.Join(", ", measures)}");
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
