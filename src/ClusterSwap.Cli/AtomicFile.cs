// Files that appear whole or not at all.
namespace ClusterSwap.Cli;

/// <summary>
/// A file that is written beside its place and put there at the end. Opening it early shows early that it can be
/// written; disposing it without <see cref="Commit"/> leaves no trace.
/// </summary>
public sealed class AtomicFile : IDisposable
{
    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _stream;
    private bool _closed;

    /// <summary>Opens a file that will stand at <paramref name="path"/>.</summary>
    /// <exception cref="UsageException">It cannot be written there.</exception>
    public AtomicFile(string path, string what)
    {
        _path = Path.GetFullPath(path);
        _temporary = $"{_path}.{Environment.ProcessId}.tmp";
        try
        {
            if (Directory.Exists(_path))
            {
                throw new IOException("it is a directory");
            }

            _stream = new FileStream(_temporary, FileMode.Create, FileAccess.Write);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"{what} cannot be written to \"{path}\": {e.Message.TrimEnd('.')}");
        }
    }

    /// <summary>Writes the content and puts the file in its place.</summary>
    public void Commit(ReadOnlySpan<byte> content)
    {
        _stream.Write(content);
        _stream.Flush(flushToDisk: true);
        _stream.Dispose();
        File.Move(_temporary, _path, overwrite: true);
        _closed = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_closed)
        {
            _stream.Dispose();
            File.Delete(_temporary);
        }
    }
}
