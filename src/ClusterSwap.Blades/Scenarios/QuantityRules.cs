// Values with units, and the few kinds of value that one key alone has.
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Which units a quantity has.</summary>
internal enum QuantityKind
{
    /// <summary>Bytes.</summary>
    Size,

    /// <summary>Bytes, whole pages only.</summary>
    Pages,

    /// <summary>Nanoseconds.</summary>
    Duration,

    /// <summary>Bits per second.</summary>
    Rate,
}

/// <summary>A quantity in a range; reads <see cref="long"/> in bytes, pages, ns or bits per second.</summary>
internal sealed record QuantityRule(QuantityKind Kind, string Min, string Max, string Zero = "") : ValueRule
{
    /// <inheritdoc/>
    public override string Allowed =>
        Form + $", from \"{Min}\" to \"{Max}\"" + (Kind == QuantityKind.Pages ? ", in whole pages of 4 KiB" : "");

    private string Form => Kind switch
    {
        QuantityKind.Duration => Units.DurationForm,
        QuantityKind.Rate => Units.RateForm,
        _ => Units.SizeForm,
    };

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        value = 0L;
        if (node is not TomlString text)
        {
            var bare = node is TomlInteger ? "the unit is missing: a quantity is a string" : "wrong type";
            error = new ValueError(bare);
            return false;
        }

        if (!Parse(text.Text, out var amount, out var unit))
        {
            error = new ValueError(unit.Reason, unit.Nearest is null ? null : '"' + unit.Nearest + '"');
            return false;
        }

        _ = Parse(Min, out var min, out _);
        _ = Parse(Max, out var max, out _);
        var broken = Kind == QuantityKind.Pages && amount % Scenario.PageBytes != 0;
        error = new ValueError(amount == 0 && Zero.Length > 0 ? Zero : broken ? "not whole pages" : "out of range");
        value = Kind == QuantityKind.Pages ? amount / Scenario.PageBytes : amount;
        return amount >= min && amount <= max && !broken;
    }

    private bool Parse(string text, out long value, out UnitError error) => Kind switch
    {
        QuantityKind.Duration => Units.TryDuration(text, out value, out error),
        QuantityKind.Rate => Units.TryRate(text, out value, out error),
        _ => Units.TrySize(text, out value, out error),
    };
}

/// <summary>Size of a mapping: a size, or a multiple of RAM; reads <see cref="MappingSize"/>.</summary>
internal sealed record MappingRule : ValueRule
{
    private static readonly QuantityRule Size = new(QuantityKind.Pages, "4 KiB", "4 TiB");

    /// <inheritdoc/>
    public override string Allowed => Size.Allowed + ", or a multiple of RAM, such as \"4x\"";

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is TomlString { Text: var text } && text.TrimEnd().EndsWith('x'))
        {
            var read = Units.TryNumber(text.AsSpan().Trim()[..^1].TrimEnd(), 1_000, out var factor, out var reason);
            value = new MappingSize(0, factor);
            error = new ValueError(read ? "out of range" : reason);
            return read && factor is > 0 and <= 1_000_000;
        }

        var ok = Size.TryRead(node, out var pages, out error);
        value = new MappingSize(ok ? (long)pages : 0, 0);
        return ok;
    }
}

/// <summary>A mapping in pages, or in thousandths of RAM when that is not 0.</summary>
internal readonly record struct MappingSize(long Pages, long RamPerMille)
{
    /// <summary>Pages on a machine of <paramref name="ramPages"/>, rounded down.</summary>
    public long On(long ramPages) => RamPerMille == 0 ? Pages : checked(ramPages * RamPerMille / 1_000);
}

/// <summary>The reserve: KiB, or left to the kernel; reads <see cref="long"/>, 0 for the kernel's own.</summary>
internal sealed record ReserveRule : ValueRule
{
    private static readonly IntegerRule Number = new(1, 1L << 30);

    /// <inheritdoc/>
    public override string Allowed => "an integer (KiB, as in /proc/sys/vm) or \"auto\"";

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is TomlString { Text: "auto" })
        {
            value = 0L;
            error = default;
            return true;
        }

        return Number.TryRead(node, out value, out error);
    }
}

/// <summary>Time to serve a request: "50 us", or "1.3 ms per 32 KiB"; reads <see cref="ServiceTime"/>.</summary>
internal sealed record ServiceTimeRule : ValueRule
{
    private static readonly QuantityRule Time = new(QuantityKind.Duration, "0 ns", "1 min");
    private static readonly QuantityRule Piece = new(QuantityKind.Size, "1 B", "1 GiB");

    /// <inheritdoc/>
    public override string Allowed => Time.Allowed + ", alone or per size, such as \"1.3 ms per 32 KiB\"";

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        object perBytes = 0L;
        var halves = (node as TomlString)?.Text.Split(" per ");
        value = default(ServiceTime);
        if (halves is { Length: 2 } && !Piece.TryRead(new TomlString(node.Place, halves[1]), out perBytes, out error))
        {
            error = Repaired(error, meant => $"{halves[0]} per {meant}");
            return false;
        }

        var time = halves is { Length: 2 } ? new TomlString(node.Place, halves[0]) : node;
        if (!Time.TryRead(time, out var ns, out error))
        {
            error = Repaired(error, meant => halves is { Length: 2 } ? $"{meant} per {halves[1]}" : meant);
            return false;
        }

        value = new ServiceTime((long)ns, (int)(long)perBytes);
        return true;
    }

    private static ValueError Repaired(ValueError error, Func<string, string> whole) =>
        error with { Meant = error.Meant is null ? null : '"' + whole(error.Meant.Trim('"')) + '"' };
}

/// <summary>What an assertion compares with: a sign and a value; reads (<see cref="Comparison"/>, long).</summary>
internal sealed record ComparisonRule(AssertionSubject Subject) : ValueRule
{
    private static readonly QuantityRule Time = new(QuantityKind.Duration, "0 ns", "100000 h");
    private static readonly IntegerRule Count = new(0, long.MaxValue);

    /// <inheritdoc/>
    public override string Allowed => Subject switch
    {
        AssertionSubject.Verdict => "one of " + string.Join(", ", VerdictWords.Expectable.Select(w => '"' + w + '"'))
            + ", or with != before it",
        AssertionSubject.ElapsedNs => "=, !=, <, <=, > or >= and a duration, such as \"<= 30 min\"",
        _ => "=, !=, <, <=, > or >= and an integer, such as \">= 100\", or an integer",
    };

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is TomlInteger)
        {
            var read = Subject is not (AssertionSubject.Verdict or AssertionSubject.ElapsedNs);
            var inRange = Count.TryRead(node, out var number, out error);
            error = read ? error : new ValueError("wrong type");
            value = (Comparison.Equal, (long)number);
            return read && inRange;
        }

        if (node is not TomlString { Text: var text })
        {
            return WrongType(out value, out error);
        }

        text = text.Trim();
        var (sign, comparison) = Assertion.Signs.FirstOrDefault(s => text.StartsWith(s.Sign, StringComparison.Ordinal));
        sign ??= "";
        comparison = sign.Length == 0 ? Comparison.Equal : comparison;
        var ok = TryAmount(text[sign.Length..].Trim(), node.Place, comparison, out var amount, out error);
        value = (comparison, amount);
        return ok;
    }

    private bool TryAmount(
        string text, SourcePlace place, Comparison comparison, out long amount, out ValueError error)
    {
        object read = 0L;
        bool ok;
        if (Subject == AssertionSubject.Verdict)
        {
            var words = new WordRule([.. VerdictWords.Expectable]);
            ok = words.TryRead(new TomlString(place, text), out _, out error);
            amount = Math.Max(0, VerdictWords.Expectable.ToList().IndexOf(text));
            var ordered = comparison is not (Comparison.Equal or Comparison.NotEqual);
            error = ordered ? new ValueError("verdicts have no order") : error;
            return ok && !ordered;
        }

        if (Subject == AssertionSubject.ElapsedNs)
        {
            ok = Time.TryRead(new TomlString(place, text), out read, out error);
        }
        else
        {
            ok = long.TryParse(text, System.Globalization.NumberStyles.None, null, out var number);
            read = number;
            error = new ValueError("not a comparison");
        }

        amount = ok ? (long)read : 0;
        return ok;
    }
}
