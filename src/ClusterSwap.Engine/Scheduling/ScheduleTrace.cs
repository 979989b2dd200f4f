// The decisions of a run that were not those of the default order: a schedule as data.
using System.Globalization;

namespace ClusterSwap.Engine;

/// <summary>A decision that was not the default one.</summary>
/// <param name="Host">The host that decided.</param>
/// <param name="Decision">Number of the decision there, from 0 for the first since the strategy was followed.</param>
/// <param name="Picked">Which of the choices, 1 or more.</param>
/// <param name="Choices">How many there were.</param>
public readonly record struct ScheduleSwitch(int Host, long Decision, int Picked, int Choices);

/// <summary>The switches of a run in order of host and decision; together with its scenario and seed they are the
/// run.</summary>
public sealed class ScheduleTrace : IEquatable<ScheduleTrace>
{
    /// <summary>A trace of these switches, in any order.</summary>
    /// <exception cref="ArgumentException">One is impossible, or a decision has two.</exception>
    public ScheduleTrace(IEnumerable<ScheduleSwitch> switches)
    {
        ScheduleSwitch[] sorted = [.. switches.OrderBy(s => s.Host).ThenBy(s => s.Decision)];
        for (int i = 0; i < sorted.Length; i++)
        {
            ScheduleSwitch at = sorted[i];
            if (at.Host < 0 || at.Decision < 0 || at.Picked < 1 || at.Picked >= at.Choices
                || (i > 0 && sorted[i - 1].Host == at.Host && sorted[i - 1].Decision == at.Decision))
            {
                throw new ArgumentException(
                    $"switch {Show(at)} cannot be: HOST:DECISION=PICKED/CHOICES, picked from 1 to choices - 1, each decision once");
            }
        }

        Switches = sorted;
    }

    /// <summary>No switch: the default order.</summary>
    public static ScheduleTrace Empty { get; } = new([]);

    /// <summary>The switches in order.</summary>
    public IReadOnlyList<ScheduleSwitch> Switches { get; }

    /// <summary>Reads what <see cref="ToString"/> wrote.</summary>
    /// <exception cref="FormatException">It is no trace.</exception>
    public static ScheduleTrace Parse(string text)
    {
        try
        {
            return new ScheduleTrace(
                text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(ParseSwitch));
        }
        catch (ArgumentException e)
        {
            throw new FormatException(e.Message, e);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => string.Join(' ', Switches.Select(Show));

    /// <inheritdoc/>
    public bool Equals(ScheduleTrace? other) => other is not null && Switches.SequenceEqual(other.Switches);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as ScheduleTrace);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)TextDigest.Of(ToString());

    private static string Show(ScheduleSwitch at)
        => string.Create(CultureInfo.InvariantCulture, $"{at.Host}:{at.Decision}={at.Picked}/{at.Choices}");

    private static ScheduleSwitch ParseSwitch(string text)
    {
        string[] parts = text.Split(':', '=', '/');
        long[] numbers = new long[4];
        for (int i = 0; i < numbers.Length; i++)
        {
            if (parts.Length != numbers.Length
                || !long.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i])
                || (i != 1 && numbers[i] > int.MaxValue))
            {
                throw new FormatException($"\"{text}\" is no switch. Allowed: HOST:DECISION=PICKED/CHOICES, such as 1:482=2/3");
            }
        }

        return new ScheduleSwitch((int)numbers[0], numbers[1], (int)numbers[2], (int)numbers[3]);
    }
}
