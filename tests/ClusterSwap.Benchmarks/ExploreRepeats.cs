// Explored schedules made again in other processes, from the text that is printed and from nothing else.
using System.Diagnostics;
using System.Globalization;
using ClusterSwap.Exploration.Counterexamples;
using ClusterSwap.Exploration.Exploring;
using ClusterSwap.Exploration.Schedules;

namespace ClusterSwap.Benchmarks;

/// <summary>
/// Explores, writes each schedule down as explore does, and lets new processes run the files: some one file a process, the
/// others many.
/// </summary>
public static class ExploreRepeats
{
    /// <summary>Repeats so many schedules, so many of them in a process of their own; 0 when all were the same.</summary>
    public static int Run(int schedules, int alone)
    {
        var folder = Directory.CreateTempSubdirectory("clusterswap-repeats-");
        try
        {
            var plan = new ExplorationPlan { Scenario = Scenarios.Of("tiny.toml", "no14"), Schedules = schedules };
            using (var runner = new ScheduleRunner(plan.Scenario, plan.Scenario.Seed))
            {
                var pressure = Pressure.Find(runner, ScheduleLimits.None);
                for (var number = 1L; number <= schedules; number++)
                {
                    var strategy = plan.Strategy.For((ulong)number, pressure.Decisions);
                    var outcome = runner.Run(pressure.From, strategy, ScheduleLimits.None);
                    var example = CounterexampleFinder.Record(runner, pressure.From, strategy, outcome.AtNs, CancellationToken.None);
                    var name = string.Create(CultureInfo.InvariantCulture, $"{number:D6}.json");
                    File.WriteAllText(Path.Combine(folder.FullName, name), example.ToJson());
                }
            }

            var files = folder.GetFiles().Select(file => file.FullName).Order(StringComparer.Ordinal).ToArray();
            var same = files.Take(alone).Sum(file => InNewProcess([file])) + InNewProcess([folder.FullName, Path.GetFileName(files[alone])]);
            Console.WriteLine($"{same} of {schedules} schedules had the same verdict and fingerprint in a new process, {alone} of them each in its own");
            return same == schedules ? 0 : 1;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>The other side: runs a file, or those of a folder from a name on, and prints how many were the same.</summary>
    public static int Again(string path, string from)
    {
        var files = File.Exists(path)
            ? [path]
            : Directory.GetFiles(path).Where(file => string.CompareOrdinal(Path.GetFileName(file), from) >= 0).ToArray();
        Console.WriteLine(files.Count(file => Counterexample.Load(file).Reproduce().Same));
        return 0;
    }

    private static int InNewProcess(string[] words)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(ExploreRepeats).Assembly.Location);
        }

        start.ArgumentList.Add("--explore-again");
        Array.ForEach(words, start.ArgumentList.Add);
        using var process = Process.Start(start)!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return int.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var same) ? same : 0;
    }
}
