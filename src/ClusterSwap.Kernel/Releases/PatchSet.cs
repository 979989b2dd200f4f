using System.Globalization;
using MemoryPack;

namespace ClusterSwap.Kernel;

/// <summary>
/// Which of the sixteen patches of the swap-over-NBD series (Linux 3.6, V15 of July 2012) are applied.
/// Each number stands for one rule, and only the place that holds the rule asks for it.
/// </summary>
[MemoryPackable]
public readonly partial record struct PatchSet(uint Bits)
{
    /// <summary>How many patches the series has; they are numbered from 1.</summary>
    public const int Count = 16;

    /// <summary>All sixteen patches: Linux 3.6.</summary>
    public static PatchSet All => new((1u << Count) - 1);

    /// <summary>None of them: Linux 3.5.</summary>
    public static PatchSet None => new(0);

    /// <summary>Indicates that patch <paramref name="number"/> (1 to 16) is applied.</summary>
    public bool Has(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, Count);
        return (Bits >> (number - 1) & 1) != 0;
    }

    /// <summary>This set with patch <paramref name="number"/> added.</summary>
    public PatchSet With(int number) => new(Bits | Bit(number));

    /// <summary>This set with patch <paramref name="number"/> taken out.</summary>
    public PatchSet Without(int number) => new(Bits & ~Bit(number));

    /// <summary>
    /// Reads <c>all</c>, <c>none</c>, <c>1, 2, 14</c>, <c>all - 15</c> or <c>none + 14</c> (any number of terms).
    /// Returns false and says why when the text names anything else.
    /// </summary>
    public static bool TryParse(string text, out PatchSet patches, out string error)
    {
        patches = None;
        error = "";
        var sign = '+';
        foreach (var term in text.Replace("+", " + ").Replace("-", " - ").Replace(",", " ")
                     .Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (term)
            {
                case "+" or "-":
                    sign = term[0];
                    continue;
                case "all":
                    patches = sign == '+' ? All : None;
                    break;
                case "none":
                    break;
                default:
                    if (!int.TryParse(term, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                        || number is < 1 or > Count)
                    {
                        error = $"'{term}' is no patch: say all, none, or numbers from 1 to {Count}, as in \"all - 15\"";
                        return false;
                    }

                    patches = sign == '+' ? patches.With(number) : patches.Without(number);
                    break;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        if (this == All)
        {
            return "all";
        }

        if (this == None)
        {
            return "none";
        }

        var bits = Bits;
        return string.Join(", ", Enumerable.Range(1, Count).Where(n => (bits >> (n - 1) & 1) != 0));
    }

    private static uint Bit(int number)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(number, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(number, Count);
        return 1u << (number - 1);
    }
}
