// Who writes a journal's file.
namespace ClusterSwap.Journal;

/// <summary>
/// A file beside the journal, locked as long as its process writes the journal. The kernel gives the lock back when the
/// process ends, however it ends; the file stays, for a file that is deleted can be locked twice.
/// </summary>
internal sealed class FileClaim : IDisposable
{
    private readonly FileStream _file;

    /// <summary>Takes the lock.</summary>
    /// <exception cref="JournalException">Another process has it, or the file cannot be made.</exception>
    public FileClaim(string path, string journal)
    {
        try
        {
            _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new JournalException(
                $"{journal}: another process writes it. Wait until it ends, or stop it: a journal has one writer.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new JournalException(
                $"{journal}: it cannot be opened. Look whether its folder exists and may be written. ({e.Message.TrimEnd('.')})");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
