// Values with units, read and written exactly.
using ClusterSwap.Blades.Scenarios;
using CsCheck;

namespace ClusterSwap.Blades.Tests.Scenarios;

public class UnitsTests
{
    [Theory]
    [InlineData("2 GiB", 2147483648)]
    [InlineData("64MiB", 67108864)]
    [InlineData("0.5 KiB", 512)]
    [InlineData(" 9.5 GiB ", 10200547328)]
    [InlineData("7 B", 7)]
    [InlineData("1 TiB", 1099511627776)]
    public void A_size_is_read_in_bytes(string text, long bytes)
    {
        Assert.True(Units.TrySize(text, out var value, out _));
        Assert.Equal(bytes, value);
    }

    [Theory]
    [InlineData("50 us", 50_000)]
    [InlineData("1.3 ms", 1_300_000)]
    [InlineData("120 s", 120_000_000_000)]
    [InlineData("2 min", 120_000_000_000)]
    [InlineData("1.5 h", 5_400_000_000_000)]
    [InlineData("3 ns", 3)]
    public void A_duration_is_read_in_nanoseconds(string text, long ns)
    {
        Assert.True(Units.TryDuration(text, out var value, out _));
        Assert.Equal(ns, value);
    }

    [Theory]
    [InlineData("1 Gbit/s", 1_000_000_000)]
    [InlineData("2.5 Gbit/s", 2_500_000_000)]
    [InlineData("100 Mbit/s", 100_000_000)]
    [InlineData("9600 bit/s", 9_600)]
    public void A_bandwidth_is_read_in_bits_per_second(string text, long rate)
    {
        Assert.True(Units.TryRate(text, out var value, out _));
        Assert.Equal(rate, value);
    }

    [Theory]
    [InlineData("2 GB", "wrong unit", "2 GiB")]
    [InlineData("2 gib", "wrong unit", "2 GiB")]
    [InlineData("2", "the unit is missing", null)]
    [InlineData("GiB", "the number is missing", null)]
    [InlineData("", "the unit is missing", null)]
    [InlineData("2 parsec", "wrong unit", null)]
    [InlineData("0.3 B", "finer than the smallest unit", null)]
    [InlineData("1..2 B", "not a number", null)]
    [InlineData("1. GiB", "not a number", null)]
    [InlineData("99999999999 GiB", "too large", null)]
    [InlineData("-1 GiB", "wrong unit", null)]
    [InlineData("1e3 B", "wrong unit", null)]
    public void A_bad_size_says_why_and_proposes_a_spelling(string text, string reason, string? nearest)
    {
        Assert.False(Units.TrySize(text, out _, out var error));
        Assert.Equal(new UnitError(reason, nearest), error);
    }

    [Theory]
    [InlineData("50 µs", "50 us")]
    [InlineData("50 usec", "50 us")]
    [InlineData("5 seconds", "5 s")]
    [InlineData("5 mins", "5 min")]
    public void Usual_spellings_of_time_lead_to_ours(string text, string meant)
    {
        Assert.False(Units.TryDuration(text, out _, out var error));
        Assert.Equal(meant, error.Nearest);
    }

    [Theory]
    [InlineData("1 Gbps", "1 Gbit/s")]
    [InlineData("1 gbit/s", "1 Gbit/s")]
    public void Usual_spellings_of_bandwidth_lead_to_ours(string text, string meant)
    {
        Assert.False(Units.TryRate(text, out _, out var error));
        Assert.Equal(meant, error.Nearest);
    }

    [Fact]
    public void What_is_written_is_read_back() => Gen.Long[0, long.MaxValue].Sample(value =>
        Units.TrySize(Units.Size(value), out var bytes, out _) && bytes == value
        && Units.TryDuration(Units.Duration(value), out var ns, out _) && ns == value
        && Units.TryRate(Units.Rate(value), out var rate, out _) && rate == value);

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(4096, "4 KiB")]
    [InlineData(6144, "6 KiB")]
    [InlineData(1L << 31, "2 GiB")]
    public void A_size_is_written_in_the_largest_unit_that_divides_it(long bytes, string text) =>
        Assert.Equal(text, Units.Size(bytes));

    [Theory]
    [InlineData(32_768, 1_300_000)]
    [InlineData(1, 1_300_000)]
    [InlineData(32_769, 2_600_000)]
    [InlineData(131_072, 5_200_000)]
    public void Begun_pieces_of_a_request_take_their_time_in_full(int bytes, long ns) =>
        Assert.Equal(ns, new ServiceTime(1_300_000, 32_768).For(bytes));

    [Fact]
    public void A_service_time_without_a_size_is_for_the_request() =>
        Assert.Equal(50_000, new ServiceTime(50_000, 0).For(131_072));
}
