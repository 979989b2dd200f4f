// The tests see the inner parts of exploration.
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("ClusterSwap.Exploration.Tests")]
