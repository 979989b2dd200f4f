// Means and confidence intervals, against values worked out by hand with a printed table of Student's t.
using ClusterSwap.Cli.Comparing;

namespace ClusterSwap.Cli.Tests.Comparing;

public class EstimateTests
{
    // s = sqrt(2.5) = 1.581139, standard error 0.707107, t(4) = 2.776445.
    [Fact]
    public void Five_values_have_a_mean_and_an_interval_of_four_degrees_of_freedom()
    {
        var estimate = Estimate.Of([1, 2, 3, 4, 5]);
        Assert.Equal(5, estimate.Count);
        Assert.Equal(3, estimate.Mean, 12);
        Assert.Equal(1.963243, estimate.HalfWidth!.Value, 6);
    }

    // s = sqrt(2), standard error 1, t(1) = 12.706205.
    [Fact]
    public void Two_values_have_the_widest_interval_of_all()
    {
        var estimate = Estimate.Of([10, 12]);
        Assert.Equal(11, estimate.Mean, 12);
        Assert.Equal(12.706205, estimate.HalfWidth!.Value, 6);
    }

    // t(9) = 2.262157; the values 1 to 10 have s = 3.027650, standard error 0.957427.
    [Fact]
    public void Ten_seeds_have_nine_degrees_of_freedom()
    {
        var estimate = Estimate.Of([.. Enumerable.Range(1, 10).Select(value => (double)value)]);
        Assert.Equal(5.5, estimate.Mean, 12);
        Assert.Equal(2.165851, estimate.HalfWidth!.Value, 5);
    }

    [Fact]
    public void Equal_values_leave_no_doubt_and_one_value_says_nothing_about_it()
    {
        Assert.Equal(new Estimate(3, 7, 0), Estimate.Of([7, 7, 7]));
        Assert.Equal(new Estimate(1, 7, null), Estimate.Of([7]));
        Assert.Equal(new Estimate(0, 0, null), Estimate.Of([]));
    }

    [Theory]
    [InlineData(200, 150, -25.0)]
    [InlineData(200, 200, 0.0)]
    [InlineData(3240.70, 1762.09, -45.626254)]
    [InlineData(0, 0, 0.0)]
    [InlineData(0, 5, null)]
    public void The_difference_is_in_percent_of_the_first(double first, double other, double? percent)
    {
        var difference = Estimate.Of([other]).DifferenceFrom(Estimate.Of([first]));
        Assert.Equal(percent is null, difference is null);
        Assert.Equal(percent ?? 0, difference ?? 0, 4);
    }

    [Fact]
    public void Nothing_differs_from_what_is_missing()
    {
        Assert.Null(Estimate.Of([1]).DifferenceFrom(Estimate.Of([])));
        Assert.Null(Estimate.Of([]).DifferenceFrom(Estimate.Of([1])));
    }
}
