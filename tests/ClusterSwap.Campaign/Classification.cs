// How drawn deployments end, by class.
using System.Globalization;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

namespace ClusterSwap.Campaign;

/// <summary>Runs drawn deployments one after another, tells those that do not get on, and counts all by how they
/// end.</summary>
internal sealed class Classification(string patches, string slab, string changes)
{
    private readonly SortedDictionary<string, List<ulong>> _ends = new(StringComparer.Ordinal);
    private readonly Dictionary<Goal, int> _goals = GoalWords.Each.ToDictionary(goal => goal, _ => 0);

    /// <summary>Where scenarios of what did not get on go; nowhere by default.</summary>
    public DirectoryInfo? Folder { get; init; }

    /// <summary>A line also for what got on.</summary>
    public bool ShowsAll { get; init; }

    /// <summary>Runs these numbers.</summary>
    public void Run(IEnumerable<ulong> numbers)
    {
        var generator = Deployments.Any(patches, slab);
        var shape = new PressureThenCalm();
        foreach (var number in numbers)
        {
            var drawn = generator.Draw(number);
            var blades = drawn.Blades.Select(blade => blade with { Changes = changes });
            Note(number, shape.Run(drawn with { Blades = new(blades) }));
        }

        Console.WriteLine();
        foreach (var (end, those) in _ends)
        {
            Console.WriteLine($"{Text(those.Count),7}  {end}, first {those[0]}");
        }

        Console.WriteLine("reached: " + string.Join(", ", _goals.Select(
            goal => $"{GoalWords.Of(goal.Key)} {Text(goal.Value)}")));
    }

    private void Note(ulong number, Finding finding)
    {
        var end = finding.Cause == HangCause.None
            ? finding.Outcome.ToString()
            : $"{finding.Outcome}: {HangCauses.Of(finding.Cause)}";
        (_ends.TryGetValue(end, out var numbers) ? numbers : _ends[end] = []).Add(number);
        foreach (var goal in GoalWords.Each)
        {
            _goals[goal] += (finding.Goals & goal) != 0 ? 1 : 0;
        }

        if (finding.Outcome != Outcome.GotOn || ShowsAll)
        {
            Console.WriteLine(
                $"{number}\t{end}\t{finding.Goals}\t{finding.Fingerprint}\t{finding.Deployment}\t"
                + finding.Story.FirstOrDefault());
        }

        if (finding.Outcome == Outcome.GotOn)
        {
            return;
        }

        foreach (var line in finding.Story.Skip(1))
        {
            Console.WriteLine("    " + line);
        }

        if (Folder is not null)
        {
            Folder.Create();
            File.WriteAllText(Path.Combine(Folder.FullName, $"{number}.toml"), finding.Deployment.ToToml());
        }
    }

    private static string Text(int value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
