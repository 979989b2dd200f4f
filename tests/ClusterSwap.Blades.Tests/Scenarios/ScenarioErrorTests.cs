// Every kind of wrong scenario, with the exact words.
using ClusterSwap.Blades.Scenarios;

namespace ClusterSwap.Blades.Tests.Scenarios;

public class ScenarioErrorTests
{
    private const string SizeForm = "a size in B, KiB, MiB, GiB or TiB, such as \"2 GiB\"";
    private const string PagesForm = ", in whole pages of 4 KiB";

    private static string Small(string from, string to)
    {
        Assert.Contains(from, ScenarioFolder.Small);
        return ScenarioFolder.Small.Replace(from, to);
    }

    [Fact]
    public void An_unknown_key_names_the_known_ones_and_the_nearest() => Assert.Equal(
        "x.toml:4:1: blade.rams: unknown key. Found: rams = \"64 MiB\". Allowed: access, background, changes, costs, cpus, "
        + "era, hz, kernel_resident, link, mapping, mempolicy, min_free_kbytes, nic, nodes, nr_requests, page_cache, passes, patches, processes_per_cpu, ram, "
        + "scheduler, server, slab, swap, warm_objects, zones. Did you mean blade.ram?",
        ScenarioFolder.Problems(Small("ram = \"64 MiB\"", "rams = \"64 MiB\"")));

    [Fact]
    public void An_unknown_key_at_the_top_is_found() => Assert.Equal(
        "x.toml:1:1: tittle: unknown key. Found: tittle = 1. Allowed: barrier_interval, blade, blades, description, "
        + "expect, extends, faults, hang_after, name, resolved_variant, seed, server, servers, time_limit, "
        + "time_step, variants.",
        ScenarioFolder.Problems("tittle = 1\n" + ScenarioFolder.Small));

    [Fact]
    public void An_unknown_key_of_a_variant_is_found_even_when_the_variant_is_not_chosen() => Assert.StartsWith(
        "x.toml:17:1: variants.v.blade.pathces: unknown key. Found: pathces = \"all\".",
        ScenarioFolder.Problems(ScenarioFolder.Small + "\n[variants.v.blade]\npathces = \"all\"\n"));

    [Fact]
    public void A_wrong_unit_is_named_with_the_right_one() => Assert.Equal(
        $"x.toml:4:7: blade.ram: wrong unit. Found: \"64 MB\". Allowed: {SizeForm}, from \"64 KiB\" to \"1 TiB\""
        + PagesForm + ". Did you mean \"64 MiB\"?",
        ScenarioFolder.Problems(Small("64 MiB", "64 MB")));

    [Fact]
    public void A_number_without_unit_is_refused() => Assert.Equal(
        $"x.toml:4:7: blade.ram: the unit is missing: a quantity is a string. Found: 64. Allowed: {SizeForm}, "
        + $"from \"64 KiB\" to \"1 TiB\"{PagesForm}.",
        ScenarioFolder.Problems(Small("\"64 MiB\"", "64")));

    [Fact]
    public void Half_a_page_is_refused() => Assert.Equal(
        $"x.toml:4:7: blade.ram: not whole pages. Found: \"65537 KiB\". Allowed: {SizeForm}, "
        + $"from \"64 KiB\" to \"1 TiB\"{PagesForm}.",
        ScenarioFolder.Problems(Small("64 MiB", "65537 KiB")));

    [Theory]
    [InlineData("cpus = \"4\"", "cpus", "wrong type. Found: \"4\". Allowed: an integer from 1 to 64. Did you mean 4?")]
    [InlineData("cpus = 4.0", "cpus", "wrong type. Found: 4.0. Allowed: an integer from 1 to 64.")]
    [InlineData("cpus = true", "cpus", "wrong type. Found: true. Allowed: an integer from 1 to 64.")]
    [InlineData("cpus = 0", "cpus", "out of range. Found: 0. Allowed: an integer from 1 to 64.")]
    [InlineData("cpus = -1", "cpus", "out of range. Found: -1. Allowed: an integer from 1 to 64.")]
    [InlineData("cpus = [4]", "cpus", "wrong type. Found: [4]. Allowed: an integer from 1 to 64.")]
    [InlineData("cpus = 2012-07-01", "cpus", "wrong type. Found: 2012-07-01. Allowed: an integer from 1 to 64.")]
    [InlineData("hz = 240", "hz", "out of range. Found: 240. Allowed: one of 100, 250, 300, 1000.")]
    [InlineData("nic = 1", "nic", "wrong type. Found: 1. Allowed: a table, as in [blade.nic].")]
    [InlineData("nic.sg = \"on\"", "nic.sg",
        "wrong type. Found: \"on\". Allowed: true or false. Did you mean true?")]
    [InlineData("slab = \"slob\"", "slab",
        "unknown word. Found: \"slob\". Allowed: one of \"slub\", \"slab\". Did you mean \"slub\"?")]
    [InlineData("zones = \"dma32\"", "zones",
        "unknown word. Found: \"dma32\". Allowed: one of \"flat\", \"dma-dma32\", \"dma-dma32-normal\".")]
    [InlineData("patches = \"al\"", "patches",
        "'al' is no patch. Found: \"al\". Allowed: \"auto\" (what the release had), \"all\", \"none\", "
        + "\"all - 15\" or a list of numbers from 1 to 16. Did you mean \"all\"?")]
    [InlineData("patches = [1, 17]", "patches",
        "'17' is no patch. Found: [1, 17]. Allowed: \"auto\" (what the release had), \"all\", \"none\", "
        + "\"all - 15\" or a list of numbers from 1 to 16.")]
    [InlineData("patches = [-1]", "patches",
        "patches are numbered from 1. Found: [-1]. Allowed: \"auto\" (what the release had), \"all\", "
        + "\"none\", \"all - 15\" or a list of numbers from 1 to 16.")]
    [InlineData("link.latency = \"0 us\"", "link.latency",
        "a link without latency. Found: \"0 us\". Allowed: a duration in ns, us, ms, s, min or h, such as \"50 us\", "
        + "from \"1 ns\" to \"10 s\".")]
    [InlineData("link.bandwidth = \"0 bit/s\"", "link.bandwidth",
        "a link without bandwidth. Found: \"0 bit/s\". Allowed: a bandwidth in bit/s, kbit/s, Mbit/s or Gbit/s, such "
        + "as \"1 Gbit/s\", from \"1 kbit/s\" to \"1000 Gbit/s\".")]
    public void A_value_of_the_wrong_kind_is_refused(string line, string key, string words)
    {
        // The line stands in line 4 of [blade]; its value begins behind the equals sign.
        var column = line.IndexOf('=') + 3;
        Assert.Equal(
            $"x.toml:4:{column}: blade.{key}: {words}",
            ScenarioFolder.Problems(Small("ram = ", line + "\nram = ")));
    }

    [Theory]
    [InlineData("scheduler = \"none\"", "4:13", "\"none\". Allowed: auto or cfq on this kernel; for another take era = \"6.1\".")]
    [InlineData("era = \"6.1\"\nscheduler = \"cfq\"", "5:13", "\"cfq\". Allowed: auto, none or mq-deadline on a blk-mq "
        + "kernel; for cfq take era = \"3.6\" or changes = \"auto - blk-mq\".")]
    public void A_scheduler_that_the_kernel_does_not_know_is_refused(string lines, string place, string rest) => Assert.Equal(
        $"x.toml:{place}: blades.node.scheduler: unknown to the kernel. Found: {rest}",
        ScenarioFolder.Problems(Small("ram = ", lines + "\nram = ")));

    [Fact]
    public void Swap_that_is_too_small_names_the_size_that_is_needed() => Assert.Equal(
        "x.toml:5:8: blades.node.swap: too small for a mapping of 256 MiB. Found: \"300 MiB\". Allowed: at least "
        + "\"302 MiB\", so that the mapping is at most 70 % of RAM and swap together.",
        ScenarioFolder.Problems(Small("640 MiB", "300 MiB")));

    [Fact]
    public void The_named_swap_is_enough_and_a_page_less_than_exact_is_not()
    {
        _ = ScenarioFile.Parse(Small("640 MiB", "302 MiB"), "x.toml").Resolve();

        // 256 MiB / 0.7 - 64 MiB = 77,238.9 pages.
        _ = ScenarioFile.Parse(Small("640 MiB", "308956 KiB"), "x.toml").Resolve();
        Assert.Contains("too small", ScenarioFolder.Problems(Small("640 MiB", "308952 KiB")));
    }

    [Fact]
    public void The_seed_needs_nine_and_a_half_GiB_of_swap() => Assert.EndsWith(
        "blades.blade.swap: too small for a mapping of 8 GiB. Found: \"9 GiB\". Allowed: at least \"9655 MiB\", "
        + "so that "
        + "the mapping is at most 70 % of RAM and swap together.",
        Assert.Throws<ScenarioException>(() => ScenarioFile
            .Load(Path.Combine(ScenarioFolder.Repository, "config", "seed.toml"))
            .Resolve(null, ["blade.swap=9 GiB"])).Message);

    [Fact]
    public void A_reserve_larger_than_RAM_is_refused() => Assert.Equal(
        "x.toml:4:19: blades.node.min_free_kbytes: the reserve is larger than RAM. Found: 65536. Allowed: less than "
        + "ram, 64 MiB = 65536 KiB.",
        ScenarioFolder.Problems(Small("ram = ", "min_free_kbytes = 65536\nram = ")));

    [Fact]
    public void A_kernel_that_leaves_no_memory_is_refused() => Assert.Equal(
        "x.toml:7:19: blades.node.kernel_resident: the blade cannot boot. Found: kernel_resident \"60 MiB\" and "
        + "page_cache \"8 MiB\". Allowed: together at most 57 MiB: ram 64 MiB less a reserve of 1024 KiB and 6 MiB for slabs "
        + "and the receive ring.",
        ScenarioFolder.Problems(Small("6 MiB\"\nserver", "60 MiB\"\nserver")));

    [Theory]
    [InlineData("\"5 GiB\"", "dma-dma32")]
    [InlineData("\"16 MiB\"", "dma-dma32")]
    [InlineData("\"4 GiB\"", "dma-dma32-normal")]
    public void Zones_that_the_memory_does_not_reach_are_refused(string ram, string zones)
    {
        var text = Small("\"64 MiB\"", ram + $"\nzones = \"{zones}\"\nmapping = \"64 MiB\"")
            .Replace("8 MiB\"\nkernel", "1 MiB\"\nkernel");
        Assert.Equal(
            $"x.toml:5:9: blades.node.zones: impossible with ram {ram.Trim('"')}. Found: \"{zones}\". Allowed: "
            + "flat with "
            + "any size, dma-dma32 above 16 MiB and up to 4 GiB, dma-dma32-normal above 4 GiB.",
            ScenarioFolder.Problems(text));
    }

    [Fact]
    public void A_server_that_is_not_there_is_named_with_the_nearest() => Assert.Equal(
        "x.toml:8:10: blades.node.server: unknown host. Found: \"bix\". Allowed: a server of this scenario: box. Did "
        + "you mean \"box\"?",
        ScenarioFolder.Problems(Small("server = \"box\"", "server = \"bix\"")));

    [Fact]
    public void A_name_that_stands_twice_is_refused() => Assert.Equal(
        "x.toml:16:9: blades.node: duplicate: it stands in line 10 already. Allowed: each name once.",
        ScenarioFolder.Problems(ScenarioFolder.Small + "\n[blades.node]\ncount = 2\n"));

    [Fact]
    public void A_key_that_stands_twice_is_refused() => Assert.Equal(
        "x.toml:5:1: blade.ram: duplicate: it stands in line 4 already. Allowed: each name once.",
        ScenarioFolder.Problems(Small("swap =", "ram = \"1 GiB\"\nswap =")));

    [Fact]
    public void A_blade_and_a_server_of_one_name_are_refused() => Assert.Equal(
        "x.toml:10:9: blades.box: duplicate name. Found: a host named box, as in servers.box. Allowed: each name for "
        + "one host.",
        ScenarioFolder.Problems(Small("[blades.node]", "[blades.box]")));

    [Fact]
    public void Two_groups_whose_blades_would_share_a_name_are_refused() => Assert.Equal(
        "x.toml:15:9: blades.node-1: duplicate name. Found: a host named node-1, as in blades.node. Allowed: each name "
        + "for one host.",
        ScenarioFolder.Problems(Small("count = 1", "count = 2") + "[blades.node-1]\ncount = 1\n"));

    [Fact]
    public void What_must_be_given_is_named() => Assert.Equal(
        "x.toml:10:9: blades.node.count: missing. Allowed: an integer from 1 to 10,000.",
        ScenarioFolder.Problems(Small("count = 1\n", "")));

    [Fact]
    public void A_scenario_without_blades_or_servers_is_refused() => Assert.Equal(
        "x.toml:1:1: blades: missing. Allowed: at least one table [blades.NAME].\n"
        + "x.toml:1:1: servers: missing. Allowed: at least one table [servers.NAME].",
        ScenarioFolder.Problems("name = \"empty\"\n"));

    [Fact]
    public void All_problems_are_told_in_the_order_of_the_text()
    {
        var text = Small("64 MiB", "64 MB").Replace("count = 1", "count = 0").Replace("name = ", "nam = ");
        var lines = ScenarioFolder.Problems(text).Split('\n');
        Assert.Equal(["x.toml:1:1", "x.toml:4:7", "x.toml:11:9"], lines.Select(line => line.Split(": ")[0]));
    }

    [Fact]
    public void A_text_that_is_no_TOML_is_refused_with_its_place() =>
        Assert.StartsWith("x.toml:4:", ScenarioFolder.Problems(Small("ram = \"64 MiB\"", "ram = ")));

    [Fact]
    public void A_brace_too_many_is_refused() =>
        Assert.StartsWith("x.toml:16:1: not TOML: ", ScenarioFolder.Problems(ScenarioFolder.Small + "\n}\n"));

    [Fact]
    public void An_array_of_tables_is_refused() => Assert.Equal(
        "x.toml:16:3: variants: wrong type. Found: [[variants]]. Allowed: a table, as in [variants].",
        ScenarioFolder.Problems(ScenarioFolder.Small + "\n[[variants]]\ncpus = 2\n[[variants]]\ncpus = 3\n"));

    [Fact]
    public void An_array_of_tables_in_the_place_of_a_table_is_a_duplicate() => Assert.Equal(
        "x.toml:16:3: blades: duplicate: it stands in line 10 already. Allowed: each name once.",
        ScenarioFolder.Problems(ScenarioFolder.Small + "\n[[blades]]\ncount = 2\n"));

    [Fact]
    public void A_name_that_could_not_be_a_folder_is_refused() => Assert.Equal(
        "x.toml:1:8: name: not a name. Found: \"a/b\". Allowed: a name of letters, digits, - and _.",
        ScenarioFolder.Problems(Small("\"small\"", "\"a/b\"")));

    [Fact]
    public void A_variant_named_base_is_refused() => Assert.Equal(
        "x.toml:16:11: variants.base: base is the file without a variant. Found: base. Allowed: any other name.",
        ScenarioFolder.Problems(ScenarioFolder.Small + "\n[variants.base.blade]\ncpus = 1\n"));

    [Fact]
    public void An_unknown_variant_names_the_known_ones_and_the_nearest() => Assert.Equal(
        "x.toml: variants: unknown variant. Found: \"fats\". Allowed: base, fast. Did you mean \"fast\"?",
        ScenarioFolder.Problems(ScenarioFolder.Small + "\n[variants.fast.blade]\ncpus = 1\n", "fats"));

    [Theory]
    [InlineData("tso = true\nsg = false", "nic.tso: segmentation offload needs scatter-gather. Found: true. Allowed: "
        + "false, or sg = true.")]
    [InlineData("mtu = 9000", "nic.mtu: segments and receive buffers are modelled at one size. Found: 9000. Allowed: 1500.")]
    [InlineData("mtu = 1000", "background.packet_bytes: does not fit in a packet. Found: 1400 (default). Allowed: at "
        + "most 972, which is mtu less 28.")]
    public void A_network_card_that_cannot_be_is_refused(string lines, string words) => Assert.EndsWith(
        words, ScenarioFolder.Problems(ScenarioFolder.Small + "\n[blade.nic]\n" + lines + "\n"));

    [Theory]
    [InlineData("stalled_readers = 1", "stalled_readers: more than there are sockets. Found: 1. Allowed: at most "
        + "bystanders, 0.")]
    [InlineData("packets_per_second = 5", "packets_per_second: no socket to send to. Found: 5. Allowed: 0, or "
        + "bystanders of 1 or more.")]
    [InlineData("tcp_stalled_readers = 1", "tcp_stalled_readers: more than there are streams. Found: 1. Allowed: at most "
        + "tcp_streams, 0.")]
    [InlineData("tcp_messages_per_second = 5", "tcp_messages_per_second: no stream to write to. Found: 5. Allowed: 0, or "
        + "tcp_streams of 1 or more.")]
    [InlineData("tcp_streams = 1001", "tcp_streams: out of range. Found: 1001. Allowed: an integer from 0 to 1,000.")]
    [InlineData("tcp_streams = 1\ntcp_reader = \"1 GiB\"", "tcp_reader: a reader larger than a process of the workload. "
        + "Found: \"1 GiB\". Allowed: at most 8 MiB, which is mapping by the number of processes.")]
    [InlineData("tcp_streams = 1\ntcp_rcvbuf = \"1 KiB\"", "such as \"2 GiB\", from \"2304 B\" to \"1 GiB\".")]
    public void Traffic_without_sockets_is_refused(string lines, string words) => Assert.EndsWith(
        words, ScenarioFolder.Problems(ScenarioFolder.Small + "\n[blade.background]\n" + lines + "\n"));

    [Fact]
    public void A_hang_that_the_run_is_too_short_for_is_refused() => Assert.Equal(
        "x.toml:1:1: hang_after: longer than the run. Found: \"120 s\" (default). Allowed: at most time_limit, "
        + "\"60 s\".",
        ScenarioFolder.Problems("time_limit = \"60 s\"\n" + ScenarioFolder.Small));

    [Theory]
    [InlineData("verdict = \"complete\"", "expect.verdict: unknown word. Found: \"complete\". Allowed: one of "
        + "\"completed\", \"deadlock\", \"livelock\", \"starvation\", \"oom\", \"safety\", \"killed\", \"unknown\", or with != "
        + "before it. Did you mean \"completed\"?")]
    [InlineData("min_free_pages = \"=> 4\"", "expect.min_free_pages: not a comparison. Found: \"=> 4\". Allowed: =, "
        + "!=, <, <=, > or >= and an integer, such as \">= 100\", or an integer.")]
    [InlineData("elapsed = 5", "expect.elapsed: wrong type. Found: 5. Allowed: =, !=, <, <=, > or >= and a duration, "
        + "such as \"<= 30 min\".")]
    public void An_assertion_that_cannot_be_judged_is_refused(string line, string words) => Assert.EndsWith(
        ": " + words, ScenarioFolder.Problems(ScenarioFolder.Small + "\n[expect]\n" + line + "\n"));

    [Fact]
    public void A_counter_that_no_kernel_has_is_refused_with_the_nearest() => Assert.EndsWith(
        "Did you mean expect.vmstat.pswpin?",
        ScenarioFolder.Problems(ScenarioFolder.Small + "\n[expect.vmstat]\npswpinn = 5\n"));
}
