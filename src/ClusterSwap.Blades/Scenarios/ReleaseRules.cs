// The keys that name a kernel: its release, the patches of the series, and changes outside it.
using ClusterSwap.Kernel;
using ClusterSwap.Kernel.Block;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Releases as a scenario spells them.</summary>
public static class EraWords
{
    /// <summary>Words, in the order of <see cref="Era"/>.</summary>
    public static readonly string[] All = ["3.5", "3.6", "6.1"];

    /// <summary>The release of a word of <see cref="All"/>.</summary>
    public static Era Of(string word) => (Era)Array.IndexOf(All, word);

    /// <summary>The word of a release.</summary>
    public static string Word(Era era) => All[(int)era];
}

/// <summary>I/O schedulers as a scenario spells them.</summary>
internal static class SchedulerWords
{
    private static readonly string[] All = ["cfq", "none", "mq-deadline"];

    /// <summary>The word of a scheduler.</summary>
    public static string Word(ScenarioScheduler scheduler) => All[(int)scheduler];

    /// <summary>The scheduler of a word on a kernel; <c>auto</c> is what it starts with.</summary>
    public static ScenarioScheduler Of(string word, KernelRules rules) => word == "auto"
        ? (ScenarioScheduler)BlockRules.DefaultScheduler(rules)
        : (ScenarioScheduler)Array.IndexOf(All, word);

    /// <summary>What a kernel knows, for a message.</summary>
    public static string KnownBy(KernelRules rules) => BlockRules.IsMultiQueue(rules)
        ? "auto, none or mq-deadline on a blk-mq kernel; for cfq take era = \"3.6\" or changes = \"auto - blk-mq\""
        : "auto or cfq on this kernel; for another take era = \"6.1\"";
}

/// <summary>A release of Linux; reads <see cref="string"/>. The command line may leave out the quotes.</summary>
internal sealed record EraRule : ValueRule
{
    private static readonly WordRule Words = new(EraWords.All);

    /// <inheritdoc/>
    public override string Allowed => Words.Allowed;

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        var read = Words.TryRead(new TomlString(node.Place, node.Show().Trim('"')), out value, out error);
        error = error with { What = "unknown release" };
        return read;
    }
}

/// <summary>Patches of the series, or null for what the release had.</summary>
internal sealed record PatchChoice(PatchSet? Given)
{
    /// <summary>The patches on a release.</summary>
    public PatchSet For(Era era) => Given ?? KernelRules.PatchesOf(era);
}

/// <summary>Patches of the series, as text or as a list of numbers; reads <see cref="PatchChoice"/>.</summary>
internal sealed record PatchesRule : ValueRule
{
    /// <inheritdoc/>
    public override string Allowed =>
        "\"auto\" (what the release had), \"all\", \"none\", \"all - 15\" or a list of numbers from 1 to 16";

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        var text = node switch
        {
            TomlString word => word.Text,
            TomlList list when list.Items.All(item => item is TomlInteger) =>
                string.Join(", ", list.Items.Select(item => item.Show())),
            _ => null,
        };
        if (text is null)
        {
            return WrongType(out value, out error);
        }

        if (text.Trim() == "auto")
        {
            value = new PatchChoice(Given: null);
            error = default;
            return true;
        }

        // A negative number of a list would be read as "without".
        var read = PatchSet.TryParse(text, out var patches, out var reason);
        var negative = node is TomlList numbers && numbers.Items.Any(item => item is TomlInteger { Value: < 1 });
        var empty = node is TomlString && text.Trim().Length == 0;
        value = new PatchChoice(patches);
        var meant = Nearest.Name(text, ["all", "none", "auto"]);
        error = new ValueError(
            negative ? "patches are numbered from 1" : empty ? "no patches named" : reason.Split(':')[0],
            meant is null || empty ? null : '"' + meant + '"');
        return read && !negative && !empty;
    }
}

/// <summary>Changes outside the series; reads <see cref="string"/>, to be resolved with the release.</summary>
internal sealed record ChangesRule : ValueRule
{
    /// <inheritdoc/>
    public override string Allowed => "\"auto\" (what the release had), \"none\", names, or \"auto - NAME + NAME\", of "
        + string.Join(", ", KernelChanges.All.Select(info => info.Name));

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is not TomlString { Text: var text })
        {
            return WrongType(out value, out error);
        }

        value = text;
        var read = ChangeSet.TryParse(text, Era.Linux36, out _, out var reason);
        var empty = text.Trim().Length == 0;
        var wrong = reason.Split('\'') is [_, var word, ..] ? word : "";
        var lacksBlanks = false;
        var meant = wrong.Length == 0 ? null : ChangeSpelling.Nearby(wrong, out lacksBlanks);
        error = new ValueError(
            empty ? "no changes named"
                : reason.Split(':')[0] + (lacksBlanks ? ", and a sign needs blanks around it, as names have dashes" : ""),
            meant is null || empty ? null : '"' + text.Replace(wrong, meant, StringComparison.Ordinal) + '"');
        return read && !empty;
    }
}
