// A drawn deployment as the text of a scenario.
using System.Globalization;
using System.Text;

namespace ClusterSwap.Exploration.Generators;

/// <summary>Writes drawn deployments: what was drawn, and for the rest the defaults of scenarios.</summary>
internal static class DeploymentText
{
    /// <summary>What the kernel of a small machine holds, MiB: measured 6 at 64 MiB of RAM; less with fewer
    /// pages to describe.</summary>
    private const int KernelMib = 4;

    /// <summary>Virtual time between two looks at a run, ms; of a long one a five-hundredth of its pressure.</summary>
    private const int BarrierMs = 5;

    private const int LooksUnderPressure = 500;

    public static string Write(Deployment deployment)
    {
        var text = new StringBuilder();
        Line(text, "# A drawn deployment. The property that it was drawn for lets its workload press for");
        Line(text, $"# {deployment.PressureMs} ms of virtual time and then stops it; run goes on pressing to the end.");
        Line(text, $"name = \"drawn-{deployment.Seed}\"");
        Line(text, $"seed = {deployment.Seed % (1UL << 63)}");
        Line(text, $"barrier_interval = \"{Math.Max(BarrierMs, deployment.PressureMs / LooksUnderPressure)} ms\"");
        Line(text, "time_limit = \"1 h\"");
        for (var server = 0; server < deployment.Servers.Count; server++)
        {
            Write(text, server, deployment.Servers[server]);
        }

        for (var group = 0; group < deployment.Blades.Count; group++)
        {
            Write(text, group, deployment.Blades[group]);
        }

        if (deployment.Fault is { } fault)
        {
            Line(text, $"\n[faults.drawn]\nkind = \"{fault.Kind}\"");
            Line(text, $"at = \"{fault.AtMs} ms\"\nfor = \"{fault.ForMs} ms\"\n{fault.Keys}");
        }

        return text.ToString();
    }

    private static void Write(StringBuilder text, int number, ServerDraw server)
    {
        Line(text, $"\n[servers.server-{number}]");
        Line(text, "bandwidth = \"1 Gbit/s\"");
        Line(text, $"read_time = \"{server.ReadUs} us\"");
        Line(text, $"write_time = \"{server.WriteUs} us\"");
    }

    private static void Write(StringBuilder text, int number, BladeDraw blade)
    {
        Line(text, $"\n[blades.blade-{(char)('a' + number)}]");
        Line(text, $"count = {blade.Count}");
        Line(text, $"server = \"server-{blade.Server}\"");
        Line(text, $"cpus = {blade.Cpus}");
        Line(text, $"ram = \"{blade.RamMib} MiB\"");
        Line(text, "min_free_kbytes = " + (blade.MinFreeKbytes == 0 ? "\"auto\"" : $"{blade.MinFreeKbytes}"));
        Line(text, $"zones = \"{(blade.TwoZones ? "dma-dma32" : "flat")}\"");
        Line(text, $"slab = \"{blade.Slab}\"");
        Line(text, $"patches = \"{blade.Patches}\"");
        Line(text, $"changes = \"{blade.Changes}\"");
        Line(text, $"processes_per_cpu = {blade.ProcessesPerCpu}");
        Line(text, $"mapping = \"{blade.MappingMib} MiB\"");
        Line(text, $"access = \"{(blade.Reads ? "read" : "write")}\"");

        // Twice the mapping and some more, as the other scenarios have it: less than half is used.
        Line(text, $"swap = \"{2 * blade.MappingMib + 32} MiB\"");
        Line(text, $"page_cache = \"{blade.PageCacheMib} MiB\"");
        Line(text, $"kernel_resident = \"{KernelMib} MiB\"");
        Line(text, $"warm_objects = {blade.WarmObjects}");
        WriteNetwork(text, $"blades.blade-{(char)('a' + number)}", blade);
    }

    private static void WriteNetwork(StringBuilder text, string path, BladeDraw blade)
    {
        Line(text, $"[{path}.nic]");
        Line(text, $"sg = {Truth(blade.Nic.Gathers)}\ntso = {Truth(blade.Nic.Gathers)}");
        Line(text, $"ring = {blade.Nic.Ring}");
        Line(text, $"rx_path = \"{blade.Nic.RxPath}\"");
        Line(text, $"arp = {Truth(blade.Nic.Arp)}");
        Line(text, $"[{path}.link]");
        Line(text, $"bandwidth = \"{blade.Link.Mbit} Mbit/s\"");
        Line(text, $"latency = \"{blade.Link.LatencyUs} us\"");
        Line(text, $"loss_per_million = {blade.Link.LossPerMillion}");
        Line(text, $"[{path}.background]");
        var traffic = blade.Traffic;
        Line(text, $"bystanders = {traffic.Sockets}\nstalled_readers = {traffic.Stalled}");
        Line(text, $"packets_per_second = {traffic.PacketsPerSecond}\npacket_bytes = {traffic.PacketBytes}");
        Line(text, $"tap = {Truth(traffic.Tap)}\ntap_stalled = {Truth(traffic.TapStalled)}");
        Line(text, $"tcp_streams = {traffic.Streams}\ntcp_stalled_readers = {traffic.StalledStreams}");
        Line(text, $"tcp_messages_per_second = {traffic.MessagesPerSecond}");
        Line(text, "tcp_reader = \"16 KiB\"");
    }

    private static string Truth(bool value) => value ? "true" : "false";

    private static void Line(StringBuilder text, FormattableString line) =>
        text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static void Line(StringBuilder text, string line) => text.Append(line).Append('\n');
}
