// The tests see the engine's inner parts.
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("ClusterSwap.Engine.Tests")]
