// Files over files, variants over files, overrides over variants.
using ClusterSwap.Blades.Scenarios;
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Tests.Scenarios;

public class ScenarioLayerTests
{
    private static BladeGroup Node(string text, string? variant = null, params string[] overrides) =>
        ScenarioFile.Parse(text, "x.toml").Resolve(variant, overrides).Blades[0];

    [Fact]
    public void Defaults_are_those_of_the_seed()
    {
        var node = Node(ScenarioFolder.Small);
        Assert.Equal((4, 8, 32, 5, 250), (node.Cpus, node.ProcessesPerCpu, node.Processes, node.Passes, node.Hz));
        Assert.Equal(65_536, node.MappingPages);
        Assert.Equal(16_384, node.RamPages);
        Assert.Null(node.MinFreeKbytes);
        Assert.Equal(PatchSet.All, node.Rules.Patches);
        Assert.Equal(CostModel.Hw2012, node.Costs);
        Assert.Equal(new LinkSpec(1_000_000_000, 50_000, 524_288, 0), node.Link);
        Assert.Equal(new NicSpec(true, true, 256, ScenarioRxPath.Fragment, 1500, 50_000), node.Nic);
        Assert.Equal(new BackgroundSpec(0, 0, 0, 1_400, 212_992), node.Background);
    }

    [Fact]
    public void A_file_lies_over_the_file_it_extends_and_so_on_down()
    {
        using var folder = new ScenarioFolder();
        folder.Write("a.toml", ScenarioFolder.Small + "\n[variants.v.blade]\nhz = 100\n");
        folder.Write("b.toml", "extends = \"a.toml\"\n[blade]\ncpus = 2\npasses = 1\n");
        var c = ScenarioFile.Load(folder.Write("c.toml", "extends = \"b.toml\"\nname = \"c\"\n[blade]\npasses = 3\n"));

        var node = c.Resolve("v").Blades[0];
        Assert.Equal("c", c.Resolve().Name);
        Assert.Equal((2, 3, 100), (node.Cpus, node.Passes, node.Hz));
        Assert.Equal(["base", "v"], c.Variants);
    }

    [Fact]
    public void Files_that_extend_each_other_are_refused_with_the_cycle()
    {
        using var folder = new ScenarioFolder();
        var a = folder.Write("a.toml", "extends = \"b.toml\"\n");
        var b = folder.Write("b.toml", "extends = \"c.toml\"\n");
        var c = folder.Write("c.toml", "extends = \"b.toml\"\n");
        Assert.Equal(
            $"{c}:1:11: extends: a cycle: b.toml extends c.toml extends b.toml. Found: \"b.toml\". Allowed: a "
            + $"file that "
            + "does not lead back here.",
            Assert.Throws<ScenarioException>(() => ScenarioFile.Load(a)).Message);
        Assert.StartsWith($"{c}:1:11", Assert.Throws<ScenarioException>(() => ScenarioFile.Load(b)).Message);
    }

    [Fact]
    public void A_file_that_extends_itself_is_refused()
    {
        using var folder = new ScenarioFolder();
        var a = folder.Write("a.toml", "extends = \"a.toml\"\n");
        Assert.Contains("a cycle: a.toml extends a.toml",
            Assert.Throws<ScenarioException>(() => ScenarioFile.Load(a)).Message);
    }

    [Fact]
    public void A_base_file_that_is_not_there_is_named_at_the_key_with_the_nearest()
    {
        using var folder = new ScenarioFolder();
        folder.Write("seed.toml", ScenarioFolder.Small);
        var a = folder.Write("a.toml", "name = \"a\"\nextends = \"sead.toml\"\n");
        Assert.Equal(
            $"{a}:2:11: extends: cannot be read: there is no such file. Found: \"sead.toml\". Allowed: a file beside "
            + "this one. Did you mean \"seed.toml\"?",
            Assert.Throws<ScenarioException>(() => ScenarioFile.Load(a)).Message);
    }

    [Fact]
    public void A_file_that_cannot_be_read_says_why()
    {
        using var folder = new ScenarioFolder();
        var seed = folder.Write("seed.toml", ScenarioFolder.Small);
        Assert.Equal(
            $"{folder.At("sed.toml")}: cannot be read: there is no such file. Did you mean \"seed.toml\"?",
            Assert.Throws<ScenarioException>(() => ScenarioFile.Load(folder.At("sed.toml"))).Message);
        Assert.Equal(
            $"{Path.GetDirectoryName(seed)}: cannot be read: it is a directory.",
            Assert.Throws<ScenarioException>(() => ScenarioFile.Load(Path.GetDirectoryName(seed)!)).Message);
    }

    [Fact]
    public void A_problem_in_a_base_file_is_told_at_its_place_there()
    {
        using var folder = new ScenarioFolder();
        var a = folder.Write("a.toml", "cpus = 1\n");
        var b = folder.Write("b.toml", "extends = \"a.toml\"\n");
        Assert.StartsWith($"{a}:1:1: cpus: unknown key.",
            Assert.Throws<ScenarioException>(() => ScenarioFile.Load(b)).Message);
    }

    [Fact]
    public void A_groups_own_value_wins_over_the_common_one()
    {
        var text = ScenarioFolder.Small + "[blades.other]\ncount = 2\ncpus = 1\nnic.ring = 64\n";
        var scenario = ScenarioFile.Parse(text, "x.toml").Resolve(null, ["blade.cpus=3", "blade.nic.tso=false"]);
        Assert.Equal([3, 1], scenario.Blades.Select(group => group.Cpus));
        Assert.Equal([(256, false), (64, false)], scenario.Blades.Select(group => (group.Nic.Ring, group.Nic.Tso)));
        Assert.Equal(["node", "other-0", "other-1"], scenario.Blades
            .SelectMany(group => Enumerable.Range(0, group.Count).Select(group.BladeName)));
        Assert.Equal(3, scenario.BladeCount);
    }

    [Fact]
    public void False_takes_a_host_of_the_base_file_out()
    {
        using var folder = new ScenarioFolder();
        folder.Write("a.toml", ScenarioFolder.Small);
        var b = folder.Write("b.toml", "extends = \"a.toml\"\nblades.node = false\nblades.leaf.count = 4\n");
        Assert.Equal(["leaf"], ScenarioFile.Load(b).Resolve().Blades.Select(group => group.Name));
    }

    [Fact]
    public void An_override_wins_over_a_variant_and_a_later_one_over_an_earlier()
    {
        var text = ScenarioFolder.Small + "[variants.v.blade]\ncpus = 2\nhz = 100\n";
        var node = Node(text, "v", "blade.cpus=8", "blade.cpus=6");
        Assert.Equal((6, 100), (node.Cpus, node.Hz));
    }

    [Theory]
    [InlineData("blade.swap=1 GiB")]
    [InlineData("blade.swap=\"1 GiB\"")]
    [InlineData(" blade.swap = 1GiB ")]
    [InlineData("blades.node.swap=1048576 KiB")]
    public void An_override_needs_no_quotes(string text) =>
        Assert.Equal(262_144, Node(ScenarioFolder.Small, null, text).SwapPages);

    [Theory]
    [InlineData("blade.patches=all - 15", 0xBFFFu)]
    [InlineData("blade.patches=none", 0u)]
    [InlineData("blade.patches=[1, 2, 14]", 0x2003u)]
    [InlineData("blade.patches=1, 2, 14", 0x2003u)]
    public void Patches_are_words_or_numbers(string text, uint bits) =>
        Assert.Equal(new PatchSet(bits), Node(ScenarioFolder.Small, null, text).Rules.Patches);

    [Theory]
    [InlineData("blade.mapping=4x", 65_536)]
    [InlineData("blade.mapping=1.5x", 24_576)]
    [InlineData("blade.mapping=128 MiB", 32_768)]
    public void A_mapping_is_a_size_or_a_multiple_of_RAM(string text, long pages) =>
        Assert.Equal(pages, Node(ScenarioFolder.Small, null, text).MappingPages);

    [Fact]
    public void Costs_start_from_a_preset_and_each_can_be_set()
    {
        var node = Node(ScenarioFolder.Small, null, "blade.costs.preset=qemu-tcg", "blade.costs.scan=1.5 us");
        Assert.Equal(CostModel.QemuTcg with { ScanNs = 1_500 }, node.Costs);
        Assert.Equal(CostPreset.QemuTcg, node.CostPreset);
    }

    [Fact]
    public void A_service_time_may_be_per_size()
    {
        var server = ScenarioFile.Parse(ScenarioFolder.Small, "x.toml")
            .Resolve(null, ["server.read_time=1.3 ms per 32 KiB"]).Servers[0];
        Assert.Equal(new ServiceTime(1_300_000, 32_768), server.ReadTime);
        Assert.Equal(new ServiceTime(50_000, 0), server.WriteTime);
    }

    [Theory]
    [InlineData("blade.cpu=1", "--set: blade.cpu: unknown key. Found: cpu = 1. Allowed: access, background, changes, "
        + "costs, cpus, era, hz, kernel_resident, link, mapping, mempolicy, min_free_kbytes, nic, nodes, nr_requests, page_cache, passes, patches, "
        + "processes_per_cpu, ram, scheduler, server, slab, swap, warm_objects, zones. Did you mean blade.cpus?")]
    [InlineData("blade.cpus=0", "--set: blade.cpus: out of range. Found: 0. Allowed: an integer from 1 to 64.")]
    [InlineData("blade.swap=9 MiB", "--set: blades.node.swap: too small for a mapping of 256 MiB. Found: \"9 MiB\". "
        + "Allowed: at least \"302 MiB\", so that the mapping is at most 70 % of RAM and swap together.")]
    [InlineData("blades.nod.cpus=1", "--set: blades.nod.count: missing. Allowed: an integer from 1 to 10,000. Did you "
        + "mean blades.node?")]
    [InlineData("blade.cpus", "--set: no override. Found: \"blade.cpus\". Allowed: path=value, such as "
        + "blade.swap=\"2 GiB\".")]
    [InlineData("=1", "--set: no override. Found: \"=1\". Allowed: path=value, such as blade.swap=\"2 GiB\".")]
    public void A_wrong_override_is_told_like_a_wrong_file(string text, string words) =>
        Assert.Equal(words, ScenarioFolder.Problems(ScenarioFolder.Small, null, text));

    [Fact]
    public void Inline_tables_and_dotted_keys_are_tables()
    {
        var text = ScenarioFolder.Small.Replace("server = \"box\"", "server = \"box\"\nlink = { latency = \"1 ms\" }")
            + "[blade.nic]\nring = 32\n";
        Assert.Equal((1_000_000, 32), (Node(text).Link.LatencyNs, Node(text).Nic.Ring));
    }
}
