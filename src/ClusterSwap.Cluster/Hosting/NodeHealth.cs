// What a node tells whoever looks after processes: alive, ready, and figures.
using System.Net;
using Akka.Cluster;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Metrics;

namespace ClusterSwap.Clustering;

/// <summary>
/// An HTTP endpoint: <c>/health</c> is 200 as long as the actor system lives, <c>/ready</c> when the node is a member that
/// is up, <c>/metrics</c> is for Prometheus. It only reads.
/// </summary>
public sealed class NodeHealth : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    private readonly WebApplication _web;
    private readonly RunMetrics _metrics;

    private NodeHealth(WebApplication web, RunMetrics metrics)
    {
        _web = web;
        _metrics = metrics;
    }

    /// <summary>Where it listens.</summary>
    public string Address => _web.Urls.First();

    /// <summary>Begins to listen.</summary>
    /// <exception cref="ClusterRunException">The port is taken, or the address is none of this machine's.</exception>
    public static NodeHealth Start(NodeHost node, string host, int port)
    {
        if (!IPAddress.TryParse(host == "localhost" ? "127.0.0.1" : host, out IPAddress? address))
        {
            throw new ClusterRunException($"--http: \"{host}\" is no IP address");
        }

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(address, port));
        builder.Services.AddRoutingCore();
        builder.Services.AddOpenTelemetry().WithMetrics(
            metrics => metrics.AddMeter(RunMetrics.MeterName).AddPrometheusExporter());
        WebApplication web = builder.Build();
        web.UseRouting();
        web.MapGet("/health", () => Answer(!node.Ended.IsCompleted));
        web.MapGet("/ready", () => Answer(
            !node.Ended.IsCompleted && Akka.Cluster.Cluster.Get(node.System).SelfMember.Status == MemberStatus.Up));
        web.MapPrometheusScrapingEndpoint();
        var metrics = new RunMetrics(node);
        try
        {
            web.StartAsync().Wait();
            return new NodeHealth(web, metrics);
        }
        catch (AggregateException e)
        {
            metrics.Dispose();
            throw new ClusterRunException($"--http: cannot listen on {host}:{port}: {e.GetBaseException().Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _web.StopAsync().Wait(s_patience);
        _metrics.Dispose();
    }

    private static IResult Answer(bool well) => well
        ? Results.Text("ok\n")
        : Results.Text("not ok\n", statusCode: StatusCodes.Status503ServiceUnavailable);
}
