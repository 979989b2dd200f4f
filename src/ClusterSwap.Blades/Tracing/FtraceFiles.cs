// The files of --ftrace: one for each blade.
using System.Text;
using ClusterSwap.Blades.Actors;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Kernel.Tracing;

namespace ClusterSwap.Blades.Tracing;

/// <summary>
/// Traces every blade of a cluster and writes the records at each barrier, blade by blade: one file, or with several
/// blades one named after each.
/// </summary>
public sealed class FtraceFiles : IDisposable
{
    private const string Header = """
        # tracer: nop
        #
        #                              _-----=> irqs-off
        #                             / _----=> need-resched
        #                            | / _---=> hardirq/softirq
        #                            || / _--=> preempt-depth
        #                            ||| /     delay
        #           TASK-PID   CPU#  ||||    TIMESTAMP  FUNCTION
        #              | |       |   ||||       |         |

        """;

    private readonly List<(TraceLog Log, TraceText Text, string Path, StreamWriter File)> _blades = [];

    /// <summary>Opens the files and begins to record; after a restore, if there is one.</summary>
    /// <exception cref="RunOutputException">A file cannot be written.</exception>
    public FtraceFiles(Cluster cluster, string path, ulong selected)
    {
        foreach (var place in cluster.Blades)
        {
            var name = PathOf(path, place.Name, cluster.Blades.Count);
            try
            {
                var file = new StreamWriter(name, append: false, new UTF8Encoding(false)) { NewLine = "\n" };
                _blades.Add((Attach(cluster, place, selected), TraceText.For(place), name, file));
                file.Write(Header);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Dispose();
                throw new RunOutputException("--ftrace", name, e);
            }
        }
    }

    /// <summary>File of a blade: the path itself when there is only one.</summary>
    public static string PathOf(string path, string blade, int blades) => blades == 1 ? path : $"{path}.{blade}";

    /// <summary>Keeps these events of a blade from now on.</summary>
    public static TraceLog Attach(Cluster cluster, BladePlace place, ulong selected)
    {
        var log = LogOf(cluster, place);
        log.Keep(selected);
        return log;
    }

    /// <summary>
    /// The one trace log of a blade, which files and a journal share; made when nobody listened before.
    /// </summary>
    public static TraceLog LogOf(Cluster cluster, BladePlace place)
    {
        var blade = cluster.Simulation.Actor<Blade>(place.Host, BladeActors.Blade);
        if (blade.Trace is { } present)
        {
            return present;
        }

        var log = new TraceLog();
        blade.StartTrace(log);
        cluster.Simulation.Actor<NbdDevice>(place.Host, BladeActors.NbdDevice).StartTrace(log);
        cluster.Simulation.Actor<Softirq>(place.Host, BladeActors.Softirq).StartTrace(log);
        cluster.Simulation.Actor<Uplink>(place.Host, BladeActors.Uplink).StartTrace(log);
        cluster.Simulation.Actor<SwitchPort>(place.Host, BladeActors.Downlink).StartTrace(log);
        if (place.Group.Background.Bystanders > 0)
        {
            var sockets = BladeActors.Bystanders(place.Spec.UserTasks);
            cluster.Simulation.Actor<Bystander>(place.Host, sockets).StartTrace(log);
        }

        for (var reader = place.Spec.Processes; reader < place.Spec.UserTasks; reader++)
        {
            cluster.Simulation.Actor<TcpReader>(place.Host, BladeActors.Process(reader)).StartTrace(log);
        }

        return log;
    }

    /// <summary>Writes what was recorded since the last barrier.</summary>
    /// <exception cref="RunOutputException">A file cannot be written.</exception>
    public void Drain()
    {
        foreach (var (log, text, path, file) in _blades)
        {
            try
            {
                foreach (ref readonly var record in log.Pending)
                {
                    file.WriteLine(text.Line(record));
                }

                if (log.Lost > 0)
                {
                    file.WriteLine(FormattableString.Invariant($"CPU:0 [LOST {log.Lost} EVENTS]"));
                }

                file.Flush();
            }
            catch (IOException e)
            {
                throw new RunOutputException("--ftrace", path, e);
            }

            log.Drain();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, _, _, file) in _blades)
        {
            try
            {
                file.Dispose();
            }
            catch (IOException)
            {
                // What could not be written was reported when it was.
            }
        }

        _blades.Clear();
    }
}
