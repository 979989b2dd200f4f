using MemoryPack;

namespace ClusterSwap.Kernel;

/// <summary>Which changes outside the sixteen patches a kernel has.</summary>
[MemoryPackable]
public readonly partial record struct ChangeSet(ulong Bits)
{
    /// <summary>None of them.</summary>
    public static ChangeSet None => new(0);

    /// <summary>What the release had.</summary>
    public static ChangeSet Of(Era era) => KernelChanges.All
        .Where(info => info.Since <= era)
        .Aggregate(None, (set, info) => set.With(info.Change));

    /// <summary>Indicates that <paramref name="change"/> is in.</summary>
    public bool Has(KernelChange change) => (Bits >> (int)change & 1) != 0;

    /// <summary>This set with <paramref name="change"/> added.</summary>
    public ChangeSet With(KernelChange change) => new(Bits | 1UL << (int)change);

    /// <summary>This set with <paramref name="change"/> taken out.</summary>
    public ChangeSet Without(KernelChange change) => new(Bits & ~(1UL << (int)change));

    /// <summary>
    /// Reads <c>auto</c> (what <paramref name="era"/> had), <c>none</c>, names, and sums of them: <c>auto -
    /// highatomic</c>. A minus sign stands between blanks, because names have dashes. Returns false and says why when
    /// the text names anything else.
    /// </summary>
    public static bool TryParse(string text, Era era, out ChangeSet changes, out string error)
    {
        changes = None;
        error = "";
        var add = true;
        foreach (var term in text.Replace(",", " ").Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (term)
            {
                case "+" or "-":
                    add = term == "+";
                    continue;
                case "auto":
                    changes = new ChangeSet(add ? changes.Bits | Of(era).Bits : changes.Bits & ~Of(era).Bits);
                    break;
                case "none":
                    break;
                default:
                    if (KernelChanges.Find(term) is not { } info)
                    {
                        error = $"'{term}' is no change: say auto, none, or names, as in \"auto - {KernelChanges.All[0].Name}\"";
                        return false;
                    }

                    changes = add ? changes.With(info.Change) : changes.Without(info.Change);
                    break;
            }
        }

        return true;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var set = this;
        return Bits == 0 ? "none" : string.Join(", ", KernelChanges.All.Where(i => set.Has(i.Change)).Select(i => i.Name));
    }
}
