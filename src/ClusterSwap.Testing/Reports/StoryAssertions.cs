// The assertions of a kit's probes: as everywhere, with the story of the run.
using Akka.TestKit;
using Akka.TestKit.Xunit2;

namespace ClusterSwap.Testing;

/// <summary>xunit's assertions, whose failures tell how to see them again.</summary>
internal sealed class StoryAssertions(SimulationTestKit kit) : ITestKitAssertions
{
    private readonly XunitAssertions _inner = new();

    public void Fail(string format = "", params object[] args) => Tell(() => _inner.Fail(format, args));

    public void AssertTrue(bool condition, string format = "", params object[] args) =>
        Tell(() => _inner.AssertTrue(condition, format, args));

    public void AssertFalse(bool condition, string format = "", params object[] args) =>
        Tell(() => _inner.AssertFalse(condition, format, args));

    public void AssertEqual<T>(T expected, T actual, string format = "", params object[] args) =>
        Tell(() => _inner.AssertEqual(expected, actual, format, args));

    public void AssertEqual<T>(
        T expected, T actual, Func<T, T, bool> comparer, string format = "", params object[] args) =>
        Tell(() => _inner.AssertEqual(expected, actual, comparer, format, args));

    public Exception AssertThrows(Action action) => Tell(() => _inner.AssertThrows(action));

    public TException AssertThrows<TException>(Action action)
        where TException : Exception => Tell(() => _inner.AssertThrows<TException>(action));

    public Task<Exception> AssertThrowsAsync(Func<Task> action) => _inner.AssertThrowsAsync(action);

    public Task<TException> AssertThrowsAsync<TException>(Func<Task> action)
        where TException : Exception => _inner.AssertThrowsAsync<TException>(action);

    private void Tell(Action assertion) => Tell(() =>
    {
        assertion();
        return true;
    });

    private T Tell<T>(Func<T> assertion)
    {
        try
        {
            return assertion();
        }
        catch (Exception e)
        {
            throw new SimulationTestException(e.Message, kit.Story(), e);
        }
    }
}
