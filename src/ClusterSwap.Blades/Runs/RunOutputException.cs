// A file that a run was asked to write cannot be written.
namespace ClusterSwap.Blades.Runs;

/// <summary>Says which option, which file, and why. The run itself is not at fault.</summary>
public sealed class RunOutputException(string option, string path, Exception inner)
    : Exception($"{option}: cannot write to \"{path}\": {inner.Message.TrimEnd('.')}", inner);
