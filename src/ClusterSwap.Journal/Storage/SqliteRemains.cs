// What is left of a SQLite file that was cut short.
using System.Buffers.Binary;
using Microsoft.Data.Sqlite;

namespace ClusterSwap.Journal;

/// <summary>
/// SQLite opens no file that is shorter than its header says. A copy whose header says the truth can be read up to the
/// first page that is missing (the header's fields: sqlite.org/fileformat2.html, section 1.3).
/// </summary>
internal static class SqliteRemains
{
    private const int HeaderBytes = 100;
    private const int PageSizeAt = 16;
    private const int PagesAt = 28;

    /// <summary>
    /// Whether the file has fewer pages than its header says. With a log beside it, which a killed writer leaves, that
    /// means nothing: the log has the rest.
    /// </summary>
    public static bool IsCutShort(string path)
    {
        if (HoldsSomething(path + "-wal") || HoldsSomething(path + "-journal"))
        {
            return false;
        }

        using FileStream file = Open(path, FileAccess.Read);
        return PagesOf(file, out long pages) > 0 && file.Length < pages;
    }

    /// <summary>A connection, not yet open, to a repaired copy that goes away with it.</summary>
    public static SqliteConnection Open(string path)
    {
        string copy = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        File.Copy(path, copy);
        using (FileStream file = Open(copy, FileAccess.ReadWrite))
        {
            int page = PagesOf(file, out _);
            Span<byte> pages = stackalloc byte[sizeof(uint)];
            BinaryPrimitives.WriteUInt32BigEndian(pages, (uint)(file.Length / page));
            file.SetLength(file.Length / page * page);
            file.Position = PagesAt;
            file.Write(pages);
        }

        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = copy,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
        }.ToString());
        connection.Disposed += (_, _) => File.Delete(copy);
        return connection;
    }

    private static bool HoldsSomething(string path) => File.Exists(path) && new FileInfo(path).Length > 0;

    // The size of a page, 0 when it is no database; and the bytes that the header speaks of.
    private static int PagesOf(FileStream file, out long bytes)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        file.Position = 0;
        bytes = 0;
        bool isDatabase = file.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) == HeaderBytes
            && header.StartsWith("SQLite format 3\0"u8);
        if (!isDatabase)
        {
            return 0;
        }

        int page = BinaryPrimitives.ReadUInt16BigEndian(header[PageSizeAt..]);
        page = page == 1 ? 65_536 : page;
        bytes = page * (long)BinaryPrimitives.ReadUInt32BigEndian(header[PagesAt..]);
        return page;
    }

    private static FileStream Open(string path, FileAccess access)
        => new(path, FileMode.Open, access, FileShare.ReadWrite | FileShare.Delete);
}
