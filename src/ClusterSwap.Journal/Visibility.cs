// The tests see the journal's inner parts.
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("ClusterSwap.Journal.Tests")]
