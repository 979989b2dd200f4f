// The plot of free pages: well-formed SVG with the right lines.
using System.Globalization;
using System.Text;
using System.Xml.Linq;
using ClusterSwap.Cli.Plots;
using ClusterSwap.Cli.Tests.Comparing;
using ClusterSwap.Kernel;

namespace ClusterSwap.Cli.Tests.Plots;

public class PlotTests
{
    private const double Left = 76;
    private const double Width = 960 - 76 - 172;

    [Fact]
    public void Compare_draws_a_panel_for_each_variant_and_marks_the_hang()
    {
        using var session = new Session(new ScriptedRunner());
        var file = Path.Combine(session.Folder, "plot.svg");
        Assert.Equal(0, session.Call("compare", session.Scenario, "--variants", "vanilla,base", "--plot", file,
            "--runs-dir", session.RunsDir, "--seeds", "2-3", "--set", "blades.node.count=1"));
        var panels = Panels(File.ReadAllText(file));
        Assert.Equal(["vanilla, seed 2: deadlock", "base, seed 2: completed"],
            panels.Select(panel => Class(panel, "text", "panel-title").Single().Value));
        Assert.Single(Class(panels[0], "path", "hang"));
        Assert.Empty(Class(panels[1], "path", "hang"));
        Assert.Contains("deadlock: no progress after 2.00 s", panels[0].Value);
    }

    [Fact]
    public void Run_draws_its_own_panel_and_keeps_the_samples_in_its_folder()
    {
        using var session = new Session(new ScriptedRunner());
        var file = Path.Combine(session.Folder, "plot.svg");
        Assert.Equal(0, session.Run("--plot", file));
        Assert.Equal("small, variant base, seed 7: completed",
            Class(Panels(File.ReadAllText(file)).Single(), "text", "panel-title").Single().Value);
        Assert.Equal("blade,seconds,min_free_pages,free_pages\nnode,0.5,300,9000\nnode,1.5,100,310\nnode,17,200,400\n",
            File.ReadAllText(Path.Combine(session.Latest, "samples.csv")));
    }

    [Fact]
    public void Runs_that_have_ended_give_the_same_picture_as_when_they_ran()
    {
        using var session = new Session(new ScriptedRunner());
        string[] files = [Path.Combine(session.Folder, "a.svg"), Path.Combine(session.Folder, "b.svg")];
        session.Call("compare", session.Scenario, "--variants", "vanilla,base", "--plot", files[0],
            "--runs-dir", session.RunsDir);
        string[] runs = [.. Directory.GetDirectories(session.RunsDir, "small-*").OrderDescending()];
        Assert.Equal(0, session.Call(["compare", .. runs, "--plot", files[1]]));
        Assert.Equal(File.ReadAllText(files[0]), File.ReadAllText(files[1]));
    }

    // High is 384, so the axis of pages ends at 800; 4 s of time.
    [Fact]
    public void The_lines_go_through_the_samples_and_the_marks_lie_at_their_pages()
    {
        var panel = Panels(Draw(null)).Single();
        var title = double.Parse(Class(panel, "text", "panel-title").Single().Attribute("y")!.Value,
            CultureInfo.InvariantCulture);
        double top = title + 12, bottom = top + 220;
        double Y(double pages) => bottom - 220 * pages / 800;

        Assert.Equal(Line(("M", Left, Y(300)), ("H", Left + Width / 4, 0), ("V", 0, Y(100)), ("H", Left + Width, 0)),
            Class(panel, "path", "least").Single().Attribute("d")!.Value);
        Assert.Equal(Line(("M", Left, Y(310)), ("H", Left + Width / 4, 0), ("V", 0, Y(400)), ("H", Left + Width, 0)),
            Class(panel, "path", "last").Single().Attribute("d")!.Value);
        Assert.Equal([Y(384), Y(320), Y(256), Y(128)], Class(panel, "path", "mark")
            .Select(mark => double.Parse(mark.Attribute("d")!.Value.Split(' ', 'h')[1], CultureInfo.InvariantCulture)));
        Assert.Equal(["high 384", "low 320", "min 256", "throttle limit 128"],
            Class(panel, "text", "mark-name").Select(name => name.Value));
    }

    [Fact]
    public void Names_of_marks_never_overlap()
    {
        var names = Class(Panels(Draw(null)).Single(), "text", "mark-name")
            .Select(name => double.Parse(name.Attribute("y")!.Value, CultureInfo.InvariantCulture)).ToArray();
        Assert.All(names.Zip(names.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 15));
    }

    [Fact]
    public void A_hang_ends_the_axis_of_time_soon_after_it()
    {
        var hang = Class(Panels(Draw(2)).Single(), "path", "hang").Single().Attribute("d")!.Value;
        var x = double.Parse(hang[1..].Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.Equal(Left + Width / 1.15, x, 0.1);
    }

    [Fact]
    public void Titles_are_escaped()
    {
        var svg = FreePagesPlot.Write([new PlotPanel("a<b & c", "", null)]);
        Assert.Equal("a<b & c", Class(Panels(Encoding.UTF8.GetString(svg)).Single(), "text", "panel-title").Single().Value);
    }

    [Theory]
    [InlineData(800, 6, "0 200 400 600 800")]
    [InlineData(6.34, 10, "0 1 2 3 4 5 6")]
    [InlineData(0.38, 10, "0.00 0.05 0.10 0.15 0.20 0.25 0.30 0.35")]
    [InlineData(1800, 10, "0 200 400 600 800 1,000 1,200 1,400 1,600 1,800")]
    public void Axes_have_round_labels(double most, int ticks, string labels)
    {
        var axis = Axis.Exact(most, ticks);
        Assert.Equal(labels, string.Join(' ', axis.Ticks.Select(axis.Label)));
    }

    private static string Draw(double? hang) => Encoding.UTF8.GetString(FreePagesPlot.Write(
    [
        new PlotPanel("a", hang is null ? "" : "deadlock", new FreePagesTrack
        {
            Blade = "blade",
            Min = 256,
            Low = 320,
            High = 384,
            HangSeconds = hang,
            Samples = [new FreePagesSample(1_000_000_000, 300, 310), new FreePagesSample(4_000_000_000, 100, 400)],
        }),
    ]));

    private static string Line(params (string Kind, double X, double Y)[] steps) => string.Concat(steps.Select(step =>
        step.Kind switch
        {
            "M" => $"M{Number(step.X)} {Number(step.Y)}",
            "H" => $"H{Number(step.X)}",
            _ => $"V{Number(step.Y)}",
        }));

    private static string Number(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    private static XElement[] Panels(string svg) => Class(XDocument.Parse(svg).Root!, "g", "panel");

    private static XElement[] Class(XElement under, string element, string name) => under.Descendants()
        .Where(each => each.Name.LocalName == element && each.Attribute("class")?.Value == name).ToArray();
}
