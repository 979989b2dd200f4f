// The certificates of a cluster: every node shows one, and all are of one authority.
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Event;
using Akka.Remote.Transport.DotNetty;

namespace ClusterSwap.Clustering;

/// <summary>
/// Mutual TLS of Akka.Remote. Who has a certificate of the cluster's own authority is trusted, nobody else, whatever the
/// machine trusts otherwise; names in certificates are not compared with addresses, which a container may not know.
/// </summary>
public sealed class ClusterTls
{
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2Collection _authorities = [];

    private ClusterTls(X509Certificate2 certificate) => _certificate = certificate;

    /// <summary>Reads PEM files: this node's certificate, its key, and the authority's certificate.</summary>
    /// <exception cref="ClusterRunException">One cannot be read, or they do not belong together.</exception>
    public static ClusterTls Load(string certificateFile, string keyFile, string authorityFile)
    {
        try
        {
            // Its key must be in the certificate in a form that the TLS of every platform takes.
            using var pem = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
            var tls = new ClusterTls(X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null));
            tls._authorities.ImportFromPemFile(authorityFile);
            return tls.IsTrusted(tls._certificate, out string why)
                ? tls
                : throw new ClusterRunException(
                    $"the certificate \"{certificateFile}\" is not one of the authority \"{authorityFile}\": {why}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new ClusterRunException(
                $"the certificates \"{certificateFile}\", \"{keyFile}\", \"{authorityFile}\" cannot be used: {e.Message}");
        }
    }

    /// <summary>What Akka.Remote takes.</summary>
    internal DotNettySslSetup Setup() => new(
        _certificate, suppressValidation: false, requireMutualAuthentication: true, validateCertificateHostname: false, Validate);

    private bool Validate(
        X509Certificate2? certificate, X509Chain? chain, string remotePeer, SslPolicyErrors errors, ILoggingAdapter log)
    {
        string why = "it shows no certificate";
        if (certificate is not null && IsTrusted(certificate, out why))
        {
            return true;
        }

        log.Warning(
            "A peer ({0}) is refused: its certificate {1} is not of this cluster's authority {2}: {3}",
            remotePeer, certificate?.Subject ?? "(none)", _authorities[0].Subject, why);
        return false;
    }

    private bool IsTrusted(X509Certificate2 certificate, out string why)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        bool trusted = chain.Build(certificate);
        why = string.Join(' ', chain.ChainStatus.Select(status => status.StatusInformation.Trim()));
        return trusted;
    }
}
