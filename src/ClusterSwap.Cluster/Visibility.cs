// The tests see the cluster's inner parts.
using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("ClusterSwap.Cluster.Tests")]
