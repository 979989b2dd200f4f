// What a mistyped sum of changes was meant to be.
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>
/// Reads a word that is no change as the sum that it was meant to be: names have dashes themselves, so a minus sign
/// needs blanks around it, and leaving them out is the usual mistake.
/// </summary>
internal static class ChangeSpelling
{
    private static readonly string[] Known = ["auto", "none", .. KernelChanges.All.Select(info => info.Name)];

    /// <summary>
    /// The word with blanks around its signs and each name replaced by the nearest one, or null when nothing known is
    /// near.
    /// <paramref name="lacksBlanks"/> tells whether signs were found inside it.
    /// </summary>
    public static string? Nearby(string word, out bool lacksBlanks)
    {
        var terms = Terms(word);
        lacksBlanks = terms.Count > 1 && terms.All(term => term is "+" or "-" || Known.Contains(term));
        return lacksBlanks ? string.Join(' ', terms) : Nearest.Name(word, Known);
    }

    // A dash is a sign where a known name ends, or at the very beginning; a plus always is one.
    private static List<string> Terms(string word)
    {
        var terms = new List<string>();
        var rest = word;
        while (rest.Length > 0)
        {
            if (StartsWithSign(rest))
            {
                terms.Add(rest[..1]);
                rest = rest[1..];
                continue;
            }

            var first = rest.Split('+')[0];
            var name = Known.Where(known => first == known || first.StartsWith(known + '-', StringComparison.Ordinal))
                .MaxBy(known => known.Length);
            terms.Add(name ?? Nearest.Name(first, Known) ?? first);
            rest = rest[(name ?? first).Length..];
        }

        return terms;
    }

    private static bool StartsWithSign(string text) => text[0] is '+' or '-';
}
