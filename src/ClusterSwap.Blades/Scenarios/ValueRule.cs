// What a key of a scenario may hold: one rule per kind of value.
using System.Globalization;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Why a value is refused.</summary>
/// <param name="What">What is wrong, a clause.</param>
/// <param name="Meant">A value that would be accepted, as it would stand in the file, or null.</param>
internal readonly record struct ValueError(string What, string? Meant = null);

/// <summary>What a value may be. The rules are data: the schema lists them, messages and documentation quote
/// them.</summary>
internal abstract record ValueRule
{
    /// <summary>What is allowed, as a noun phrase.</summary>
    public abstract string Allowed { get; }

    /// <summary>Reads a node; the type of <paramref name="value"/> is the rule's own.</summary>
    public abstract bool TryRead(TomlNode node, out object value, out ValueError error);

    /// <summary>Refuses a node of the wrong type.</summary>
    protected static bool WrongType(out object value, out ValueError error, string? meant = null)
    {
        value = "";
        error = new ValueError("wrong type", meant);
        return false;
    }
}

/// <summary>An integer in a range; reads <see cref="long"/>.</summary>
internal sealed record IntegerRule(long Min, long Max) : ValueRule
{
    /// <inheritdoc/>
    public override string Allowed => $"an integer from {Grouped(Min)} to {Grouped(Max)}";

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is not TomlInteger integer)
        {
            var bare = node is TomlString text && long.TryParse(text.Text, NumberStyles.None, null, out var number)
                && number >= Min && number <= Max;
            return WrongType(out value, out error, bare ? ((TomlString)node).Text : null);
        }

        value = integer.Value;
        error = new ValueError("out of range");
        return integer.Value >= Min && integer.Value <= Max;
    }

    private static string Grouped(long value) => value.ToString("N0", CultureInfo.InvariantCulture);
}

/// <summary>An integer of a short list; reads <see cref="long"/>.</summary>
internal sealed record OneOfRule(params long[] Values) : ValueRule
{
    /// <inheritdoc/>
    public override string Allowed => "one of " + string.Join(", ", Values);

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is not TomlInteger integer)
        {
            return WrongType(out value, out error);
        }

        value = integer.Value;
        error = new ValueError("out of range");
        return Values.Contains(integer.Value);
    }
}

/// <summary>A text; reads <see cref="string"/>.</summary>
internal sealed record TextRule(bool IsName) : ValueRule
{
    /// <inheritdoc/>
    public override string Allowed => IsName ? "a name of letters, digits, - and _" : "a string";

    /// <summary>Indicates that a text can be a name: of a host, a scenario, a folder.</summary>
    public static bool Fits(string name) => name.Length is > 0 and <= 64
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is not TomlString text)
        {
            return WrongType(out value, out error);
        }

        value = text.Text;
        error = new ValueError("not a name");
        return !IsName || Fits(text.Text);
    }
}

/// <summary>One word of a list; reads <see cref="string"/>.</summary>
internal sealed record WordRule(params string[] Words) : ValueRule
{
    /// <inheritdoc/>
    public override string Allowed => "one of " + string.Join(", ", Words.Select(word => '"' + word + '"'));

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is not TomlString text)
        {
            return WrongType(out value, out error);
        }

        value = text.Text;
        var meant = Nearest.Name(text.Text, Words);
        error = new ValueError("unknown word", meant is null ? null : '"' + meant + '"');
        return Words.Contains(text.Text);
    }
}

/// <summary>A truth value; reads <see cref="bool"/>.</summary>
internal sealed record BooleanRule : ValueRule
{
    /// <inheritdoc/>
    public override string Allowed => "true or false";

    /// <inheritdoc/>
    public override bool TryRead(TomlNode node, out object value, out ValueError error)
    {
        if (node is not TomlBoolean boolean)
        {
            var meant = (node as TomlString)?.Text.ToLowerInvariant() switch
            {
                "on" or "yes" or "true" => "true",
                "off" or "no" or "false" => "false",
                _ => null,
            };
            return WrongType(out value, out error, meant);
        }

        value = boolean.Value;
        error = default;
        return true;
    }
}
