// Which addresses a node may listen on.
using System.Net;

namespace ClusterSwap.Clustering;

/// <summary>Loopback is for everybody; any other address is for nodes that prove who they are.</summary>
internal static class BindRules
{
    /// <exception cref="ClusterRunException">The address may not be used so.</exception>
    public static void Check(NodeHostOptions options)
    {
        if (!IsLoopback(options.Bind) && options.Tls is null)
        {
            throw new ClusterRunException(
                $"{options.Bind} can be reached from other machines, so its nodes must prove who they are: give --tls-cert, "
                + "--tls-key and --tls-ca, or stay on 127.0.0.1. Without, whoever reaches the port could take part in runs.");
        }
    }

    private static bool IsLoopback(string bind)
        => bind == "localhost" || (IPAddress.TryParse(bind, out IPAddress? address) && IPAddress.IsLoopback(address));
}
