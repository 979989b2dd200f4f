// Draws deployments, runs each under pressure and then in calm, and classifies what it finds (docs/studies/drawn-
// deployments.md); or looks for what one patch prevents (docs/studies/without-one-patch.md).
using System.CommandLine;
using System.Globalization;
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Campaign;
using ClusterSwap.Exploration.Counterexamples;

const int Usage = 64;
var first = new Option<ulong>("--first") { Description = "Number of the first one.", DefaultValueFactory = _ => 1 };
var count = new Option<int>("--count") { Description = "How many deployments.", DefaultValueFactory = _ => 100 };
var patches = new Option<string>("--patches") { Description = "As in scenarios.", DefaultValueFactory = _ => "all" };
var changes = new Option<string>("--changes") { Description = "As in scenarios.", DefaultValueFactory = _ => "auto" };
var only = new Option<string>("--only") { Description = "Numbers to run, with commas; instead of --first, --count." };
var slab = new Option<string>("--slab") { Description = "slub or slab.", DefaultValueFactory = _ => "slub" };
var write = new Option<DirectoryInfo?>("--write") { Description = "Folder for what was found." };
var show = new Option<bool>("--show") { Description = "Also print a line for each deployment that got on." };
var without = new Option<int?>("--without")
{
    Description = "Instead: pairs with all patches and with all but this one, 3, 8, 9, 12, 14 or 15.",
};
var prediction = new Option<string?>("--prediction") { Description = "With --without: only the one of this name." };
var minimise = new Option<bool>("--minimise") { Description = "With --without: make the smallest pair found smaller." };
var seeds = new Option<int>("--seeds")
{
    Description = "With --minimise: seeds that the smallest is counted over.",
    DefaultValueFactory = _ => 40,
};
var schedules = new Option<int>("--schedules")
{
    Description = "With --without: drawn schedules of each deployment, beside fifo.",
    DefaultValueFactory = _ => 0,
};
var replay = new Option<FileInfo?>("--replay") { Description = "Instead: run the pair of this file again." };
var command = new RootCommand("Draws deployments and classifies how they end, or searches for what one patch prevents.")
{
    first, count, only, patches, changes, slab, write, show, without, prediction, minimise, seeds, schedules, replay,
};
string? Wrong(ParseResult parse)
{
    if (parse.GetValue(count) < 1 || parse.GetValue(seeds) < 1 || parse.GetValue(schedules) < 0)
    {
        return "--count and --seeds are at least 1, --schedules is at least 0.";
    }

    if (parse.GetValue(only) is { } list
        && !list.Split(',').All(text => ulong.TryParse(text, CultureInfo.InvariantCulture, out _)))
    {
        return $"--only takes numbers with commas. Found: \"{list}\".";
    }

    if (parse.GetValue(slab) is not ("slub" or "slab"))
    {
        return $"--slab is slub or slab. Found: \"{parse.GetValue(slab)}\".";
    }

    if (parse.GetValue(without) is { } patch)
    {
        return PairCommand.Explain(patch, parse.GetValue(prediction));
    }

    return parse.GetValue(prediction) is not null || parse.GetValue(minimise) || parse.GetValue(schedules) > 0
        ? "--prediction, --minimise and --schedules belong to --without."
        : null;
}

command.SetAction(parse =>
{
    if (Wrong(parse) is { } wrong)
    {
        Console.Error.WriteLine(wrong);
        return Usage;
    }

    var begin = parse.GetValue(first);
    var numbers = parse.GetValue(only) is { } list
        ? list.Split(',').Select(text => ulong.Parse(text, CultureInfo.InvariantCulture))
        : Enumerable.Range(0, parse.GetValue(count)).Select(i => begin + (ulong)i);
    if (parse.GetValue(replay) is { } file)
    {
        return PairCommand.Replay(file.FullName);
    }

    if (parse.GetValue(without) is { } patch)
    {
        return new PairCommand
        {
            Numbers = [.. numbers],
            Schedules = parse.GetValue(schedules),
            Minimise = parse.GetValue(minimise),
            Seeds = parse.GetValue(seeds),
            Folder = parse.GetValue(write),
        }.Run(patch, parse.GetValue(prediction));
    }

    new Classification(parse.GetValue(patches)!, parse.GetValue(slab)!, parse.GetValue(changes)!)
    {
        Folder = parse.GetValue(write),
        ShowsAll = parse.GetValue(show),
    }.Run(numbers);
    return 0;
});
try
{
    return command.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception wrong) when (wrong is CounterexampleException or ScenarioException)
{
    Console.Error.WriteLine(wrong.Message);
    return Usage;
}
