// The folder of a run's /proc and /sys files: one tree for each blade and moment.
using System.Globalization;
using System.Text;
using ClusterSwap.Blades.Runs;

namespace ClusterSwap.Blades.ProcFiles;

/// <summary>
/// Writes <c>FOLDER/&lt;blade&gt;/&lt;seconds&gt;/proc/…</c> and <c>…/sys/…</c>: each moment looks like the root
/// of a machine. Looking at a blade changes nothing in it.
/// </summary>
public sealed class ProcTree
{
    private const long SecondNs = 1_000_000_000;

    private readonly string _folder;
    private readonly Cluster _cluster;
    private readonly BladeStates[] _blades;
    private long _newestNs = -1;

    /// <summary>A tree in <paramref name="folder"/>, which exists.</summary>
    public ProcTree(string folder, Cluster cluster)
    {
        _folder = folder;
        _cluster = cluster;
        _blades = [.. cluster.Blades.Select(place => new BladeStates(cluster.Simulation, place))];
    }

    /// <summary>
    /// Name of a moment: seconds with six digits, then the fraction if there is one, so that names sort by time.
    /// </summary>
    public static string NameOf(long timeNs)
    {
        var seconds = (timeNs / SecondNs).ToString("000000", CultureInfo.InvariantCulture);
        var fraction = (timeNs % SecondNs).ToString("000000000", CultureInfo.InvariantCulture).TrimEnd('0');
        return fraction.Length == 0 ? seconds : $"{seconds}.{fraction}";
    }

    /// <summary>The files of a moment by their place below its root.</summary>
    public static IReadOnlyList<(string Path, string Text)> Files(ProcMoment moment, ProcForm form) =>
    [
        ("proc/vmstat", VmStatFile.Write(moment, form)),
        ("proc/zoneinfo", ZoneInfoFile.Write(moment, form)),
        ("proc/meminfo", MemInfoFile.Write(moment, form)),
        ("proc/stat", CpuStatFile.Write(moment)),
        ("proc/diskstats", BlockFiles.DiskStats(moment, form)),
        ("proc/net/netstat", NetFiles.NetStat(moment, form)),
        ("proc/net/snmp", NetFiles.Snmp(moment, form)),
        ("proc/net/dev", NetFiles.Dev(moment)),
        ("proc/net/sockstat", NetFiles.SockStat(moment)),
        ($"sys/block/{BlockFiles.Device}/stat", BlockFiles.Stat(moment, form)),
        .. NodeFiles.Of(moment),
    ];

    /// <summary>Writes all blades as they are now. Writing the same moment twice changes nothing.</summary>
    /// <exception cref="RunOutputException">A file cannot be written.</exception>
    public void Write(long timeNs)
    {
        if (timeNs == _newestNs)
        {
            return;
        }

        _newestNs = timeNs;
        foreach (var states in _blades)
        {
            var root = Path.Combine(_folder, states.Place.Name, NameOf(timeNs));
            var form = ProcForms.Of(states.Place.Group.Rules.Era);
            try
            {
                foreach (var (path, text) in Files(new ProcMoment(_cluster.Simulation, states, timeNs), form))
                {
                    var file = Path.Combine(root, path);
                    Directory.CreateDirectory(Path.GetDirectoryName(file)!);
                    File.WriteAllText(file, text, new UTF8Encoding(false));
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new RunOutputException("--proc-dir", root, e);
            }
        }
    }
}
