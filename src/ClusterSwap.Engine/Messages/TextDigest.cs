// Hash of a text that is the same in every process, unlike that of the runtime.
using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace ClusterSwap.Engine;

internal static class TextDigest
{
    public static ulong Of(string text) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(text.AsSpan()));
}
