// Free pages against the watermarks over virtual time, as SVG.
using System.Globalization;
using System.Text;

namespace ClusterSwap.Cli.Plots;

/// <summary>
/// Draws a panel for each run, one below the other, each with its own axis of time. Plain SVG without scripts or fonts
/// of its own; the same runs give the same bytes. Colours are those of Okabe and Ito, which all eyes tell apart; each
/// mark is dashed in its own way and named at its end.
/// </summary>
public sealed class FreePagesPlot
{
    private const int Width = 960;
    private const int Left = 76;
    private const int Right = 172;
    private const int HeadHeight = 76;
    private const int PanelTitle = 34;
    private const int PanelHeight = 220;
    private const int PanelFoot = 52;
    private const int PlotWidth = Width - Left - Right;
    private const int LabelHeight = 15;

    private const string Ink = "#222222";
    private const string Faint = "#dddddd";
    private const string LeastColour = "#0072B2";
    private const string LastColour = "#56B4E9";

    private readonly StringBuilder _svg = new();

    private FreePagesPlot()
    {
    }

    /// <summary>The whole document, UTF-8.</summary>
    public static byte[] Write(IReadOnlyList<PlotPanel> panels)
    {
        var plot = new FreePagesPlot();
        plot.Draw(panels);
        return Encoding.UTF8.GetBytes(plot._svg.ToString());
    }

    private void Draw(IReadOnlyList<PlotPanel> panels)
    {
        var height = HeadHeight + panels.Count * (PanelTitle + PanelHeight + PanelFoot);
        Line($"""<svg xmlns="http://www.w3.org/2000/svg" width="{Width}" height="{height}" """
            + $"""viewBox="0 0 {Width} {height}" font-family="DejaVu Sans, Arial, Helvetica, sans-serif" """
            + $"""font-size="12" fill="{Ink}">""");
        Line($"""<rect width="{Width}" height="{height}" fill="#ffffff"/>""");
        Line($"""<text x="{Left}" y="28" font-size="17" font-weight="bold">Free pages against the watermarks</text>""");
        Legend();
        for (var i = 0; i < panels.Count; i++)
        {
            var top = HeadHeight + i * (PanelTitle + PanelHeight + PanelFoot) + PanelTitle;
            Line($"""<g class="panel">""");
            Line($"""<text class="panel-title" x="{Left}" y="{top - 12}" font-size="14" font-weight="bold">"""
                + $"{Escaped(panels[i].Title)}</text>");
            Panel(panels[i], i, top);
            Line($"</g>");
        }

        Line($"</svg>");
    }

    private void Legend()
    {
        const int y = 54;
        Line($"""<path d="M{Left} {y - 4}h26" stroke="{LeastColour}" stroke-width="2"/>""");
        Line($"""<text x="{Left + 34}" y="{y}">fewest in the interval</text>""");
        Line($"""<path d="M{Left + 200} {y - 4}h26" stroke="{LastColour}" stroke-width="2"/>""");
        Line($"""<text x="{Left + 234}" y="{y}">at its end</text>""");
        Line($"""<path d="M{Left + 342} {y - 13}v16" stroke="{Ink}" stroke-width="2"/>""");
        Line($"""<text x="{Left + 364}" y="{y}">last progress before a hang</text>""");
    }

    private void Panel(PlotPanel panel, int index, int top)
    {
        if (panel.Track is not { Samples.Count: > 0 } track)
        {
            Line($"""<text x="{Left}" y="{top + 24}">no samples were kept</text>""");
            return;
        }

        var scale = new PanelScale(track, top, Left, PlotWidth, PanelHeight);
        Line($"""<clipPath id="panel-{index}"><rect x="{Left}" y="{top}" width="{PlotWidth}" """
            + $"""height="{PanelHeight}"/></clipPath>""");
        if (track.HangSeconds is { } hung)
        {
            Line($"""<rect class="hung" x="{scale.X(hung)}" y="{top}" """
                + $"""width="{scale.After(hung)}" """
                + $"""height="{PanelHeight}" fill="#f4f4f4"/>""");
        }

        Axes(scale, top);
        Line($"""<g clip-path="url(#panel-{index})" fill="none" stroke-linejoin="round">""");
        Line($"""<path class="last" stroke="{LastColour}" stroke-width="1" """
            + $"""d="{scale.Steps(sample => sample.LastPages)}"/>""");
        Line($"""<path class="least" stroke="{LeastColour}" stroke-width="1.4" """
            + $"""d="{scale.Steps(sample => sample.LeastPages)}"/>""");
        Line($"</g>");
        Marks(track, scale);
        Hang(panel, scale, top);
        if (scale.Highest > scale.Pages.Top)
        {
            Line($"""<text x="{Left + PlotWidth}" y="{top - 12}" text-anchor="end" fill="#555555">"""
                + $"higher values, up to {Number(scale.Highest, "N0")}, are cut off</text>");
        }
    }

    private void Axes(PanelScale scale, int top)
    {
        foreach (var tick in scale.Pages.Ticks)
        {
            Line($"""<path d="M{Left} {scale.Y(tick)}h{PlotWidth}" stroke="{Faint}"/>""");
            Line($"""<text x="{Left - 8}" y="{scale.Y(tick, 4)}" text-anchor="end">{scale.Pages.Label(tick)}</text>""");
        }

        var bottom = top + PanelHeight;
        foreach (var tick in scale.Seconds.Ticks)
        {
            Line($"""<path d="M{scale.X(tick)} {bottom}v5" stroke="{Ink}"/>""");
            Line($"""<text x="{scale.X(tick)}" y="{bottom + 19}" text-anchor="middle">"""
                + $"{scale.Seconds.Label(tick)}</text>");
        }

        Line($"""<path d="M{Left} {top}V{bottom}H{Left + PlotWidth}" fill="none" stroke="{Ink}"/>""");
        Line($"""<text x="{Left + PlotWidth / 2}" y="{bottom + 38}" text-anchor="middle">virtual time (s)</text>""");
        Line($"""<text transform="translate(20 {top + PanelHeight / 2}) rotate(-90)" text-anchor="middle">"""
            + "free pages (4 KiB)</text>");
    }

    // Names stand at the right end, moved apart where marks are close.
    private void Marks(FreePagesTrack track, PanelScale scale)
    {
        (string Name, long Pages, string Colour, string Dash)[] marks =
        [
            ("high", track.High, "#009E73", "10 3"),
            ("low", track.Low, "#B8860B", "6 3"),
            ("min", track.Min, "#D55E00", "none"),
            ("throttle limit", track.ThrottleLimit, "#AA4499", "2 3"),
        ];
        var above = double.NegativeInfinity;
        foreach (var (name, pages, colour, dash) in marks)
        {
            var y = scale.PixelOf(pages);
            above = Math.Max(y, above + LabelHeight);
            Line($"""<path class="mark" d="M{Left} {Number(y)}h{PlotWidth}" stroke="{colour}" stroke-width="1.3" """
                + $"""stroke-dasharray="{dash}"/>""");
            Line($"""<path d="M{Left + PlotWidth} {Number(y)}L{Left + PlotWidth + 10} {Number(above)}" """
                + $"""stroke="{colour}"/>""");
            Line($"""<text class="mark-name" x="{Left + PlotWidth + 14}" y="{Number(above + 4)}" fill="{colour}">"""
                + $"{name} {Number(pages, "N0")}</text>");
        }
    }

    private void Hang(PlotPanel panel, PanelScale scale, int top)
    {
        if (panel.Track!.HangSeconds is not { } seconds)
        {
            return;
        }

        // The text stands on the left of the line, where there is more room than in the stall.
        Line($"""<path class="hang" d="M{scale.X(seconds)} {top}v{PanelHeight}" stroke="{Ink}" """
            + """stroke-width="2"/>""");
        Line($"""<text x="{scale.X(seconds, -6)}" y="{top + 18}" text-anchor="end" """
            + $"""stroke="#ffffff" stroke-width="3" paint-order="stroke">{Escaped(panel.Hang)}</text>""");
    }

    private static string Number(double value, string format = "0.##") =>
        value.ToString(format, CultureInfo.InvariantCulture);

    private static string Escaped(string text) =>
        text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");

    private void Line(FormattableString text) =>
        _svg.Append(text.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private void Line(string text) => _svg.Append(text).Append('\n');
}
