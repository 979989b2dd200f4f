// Draws deployments, runs each under pressure and then in calm, and classifies what it finds (docs/studies/drawn-
// deployments.md).
using System.CommandLine;
using System.Globalization;
using ClusterSwap.Exploration.Generators;
using ClusterSwap.Exploration.Properties;

var first = new Option<ulong>("--first") { Description = "Number of the first one.", DefaultValueFactory = _ => 1 };
var count = new Option<int>("--count") { Description = "How many deployments.", DefaultValueFactory = _ => 100 };
var patches = new Option<string>("--patches") { Description = "As in scenarios.", DefaultValueFactory = _ => "all" };
var changes = new Option<string>("--changes") { Description = "As in scenarios.", DefaultValueFactory = _ => "auto" };
var only = new Option<string>("--only") { Description = "Numbers to run, with commas; instead of --first, --count." };
var slab = new Option<string>("--slab") { Description = "slub or slab.", DefaultValueFactory = _ => "slub" };
var write = new Option<DirectoryInfo?>("--write") { Description = "Folder for scenarios of what did not get on." };
var show = new Option<bool>("--show") { Description = "Also print a line for each deployment that got on." };
var command = new RootCommand("Draws deployments and classifies how they end.")
{
    first, count, only, patches, changes, slab, write, show,
};
command.SetAction(parse =>
{
    var generator = Deployments.Any(parse.GetValue(patches)!, parse.GetValue(slab)!);
    var shape = new PressureThenCalm();
    var ends = new SortedDictionary<string, List<ulong>>(StringComparer.Ordinal);
    var goals = GoalWords.Each.ToDictionary(goal => goal, _ => 0);
    var begin = parse.GetValue(first);
    var wanted = parse.GetValue(only) is { } list
        ? list.Split(',').Select(text => ulong.Parse(text, CultureInfo.InvariantCulture))
        : Enumerable.Range(0, parse.GetValue(count)).Select(i => begin + (ulong)i);
    foreach (var number in wanted)
    {
        var drawn = generator.Draw(number);
        var blades = drawn.Blades.Select(blade => blade with { Changes = parse.GetValue(changes)! });
        var finding = shape.Run(drawn with { Blades = new(blades) });
        var end = finding.Cause == HangCause.None
            ? finding.Outcome.ToString()
            : $"{finding.Outcome}: {HangCauses.Of(finding.Cause)}";
        (ends.TryGetValue(end, out var numbers) ? numbers : ends[end] = []).Add(number);
        foreach (var goal in GoalWords.Each)
        {
            goals[goal] += (finding.Goals & goal) != 0 ? 1 : 0;
        }

        if (finding.Outcome != Outcome.GotOn || parse.GetValue(show))
        {
            Console.WriteLine(
                $"{number}\t{end}\t{finding.Goals}\t{finding.Fingerprint}\t{finding.Deployment}\t"
                + finding.Story.FirstOrDefault());
        }

        if (finding.Outcome != Outcome.GotOn)
        {
            foreach (var line in finding.Story.Skip(1))
            {
                Console.WriteLine("    " + line);
            }
        }

        if (finding.Outcome != Outcome.GotOn && parse.GetValue(write) is { } folder)
        {
            folder.Create();
            File.WriteAllText(Path.Combine(folder.FullName, $"{number}.toml"), finding.Deployment.ToToml());
        }
    }

    Console.WriteLine();
    foreach (var (end, numbers) in ends)
    {
        Console.WriteLine($"{numbers.Count.ToString("N0", CultureInfo.InvariantCulture),7}  {end}, first {numbers[0]}");
    }

    Console.WriteLine("reached: " + string.Join(", ", goals.Select(
        goal => $"{GoalWords.Of(goal.Key)} {goal.Value.ToString("N0", CultureInfo.InvariantCulture)}")));
    return 0;
});
return command.Parse(args).Invoke();
