// Which kernel's names and layout the files have.
using System.Globalization;
using System.Text;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>The kernel whose names and layout a file has.</summary>
public enum ProcForm
{
    /// <summary>Linux 3.6, x86-64, built with CONFIG_NUMA where the blade has two nodes; 3.5 has the same files but for
    /// <c>pgscan_direct_throttle</c>, which is shown for it too.</summary>
    Linux36,

    /// <summary>Linux 6.1, x86-64, one node, built without CONFIG_NUMA.</summary>
    Linux61,
}

/// <summary>Which form a release has.</summary>
public static class ProcForms
{
    /// <summary>The form of a blade's kernel.</summary>
    public static ProcForm Of(Era era) => era == Era.Linux61 ? ProcForm.Linux61 : ProcForm.Linux36;
}

/// <summary>Numbers by the kernel's names. A name that nobody has set is 0: the kernel prints it, the model has no
/// value for it.</summary>
public sealed class NamedCounters
{
    private readonly Dictionary<string, long> _values = new(StringComparer.Ordinal);

    /// <summary>Names that have a value, in no order.</summary>
    public IReadOnlyCollection<string> Known => _values.Keys;

    /// <summary>Value of a name.</summary>
    public long this[string name]
    {
        get => _values.GetValueOrDefault(name);
        set => _values[name] = value;
    }
}

/// <summary>Writes into a text without a culture.</summary>
internal static class ProcText
{
    /// <summary>Appends a line.</summary>
    public static void Line(this StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    /// <summary>Words of a list in one string.</summary>
    public static string[] Words(string list) => list.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
}
