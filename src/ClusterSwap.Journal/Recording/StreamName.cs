// Names of streams.
using System.Globalization;

namespace ClusterSwap.Journal;

/// <summary>
/// One recorder's stream: its persistence id is <c>run/partition/epoch</c>, so that a writer that was thought dead can
/// only write a stream that nobody reads.
/// </summary>
/// <param name="RunId">Id of the run: no slash in it.</param>
/// <param name="Partition">Partition, from 0.</param>
/// <param name="Epoch">Epoch, from 1.</param>
public sealed record StreamName(string RunId, int Partition, int Epoch)
{
    /// <summary>The persistence id.</summary>
    public string PersistenceId => string.Create(CultureInfo.InvariantCulture, $"{RunId}/{Partition}/{Epoch}");

    /// <summary>Reads a persistence id; false when it is not one of a run.</summary>
    public static bool TryParse(string persistenceId, out StreamName name)
    {
        name = new StreamName("", 0, 0);
        string[] words = persistenceId.Split('/');
        bool fits = words.Length == 3 && words[0].Length > 0;
        if (!fits
            || !int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int partition)
            || !int.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out int epoch))
        {
            return false;
        }

        name = new StreamName(words[0], partition, epoch);
        return true;
    }
}
