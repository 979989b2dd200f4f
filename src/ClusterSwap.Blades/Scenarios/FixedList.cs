// A list that never changes and compares by its items, so that records that hold one compare by value.
using System.Collections;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>
/// An immutable list with equality by items, in order. Guarantees that two scenarios with equal parts are equal.
/// </summary>
public sealed class FixedList<T> : IReadOnlyList<T>, IEquatable<FixedList<T>>
{
    private readonly T[] _items;

    /// <summary>A list of <paramref name="items"/>, copied.</summary>
    public FixedList(IEnumerable<T> items) => _items = items.ToArray();

    /// <inheritdoc/>
    public int Count => _items.Length;

    /// <inheritdoc/>
    public T this[int index] => _items[index];

    /// <inheritdoc/>
    public bool Equals(FixedList<T>? other) => other is not null && _items.AsSpan().SequenceEqual(other._items);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as FixedList<T>);

    /// <summary>Constant for a given length: enough for equality, and never an order.</summary>
    public override int GetHashCode() => _items.Length;

    /// <inheritdoc/>
    public IEnumerator<T> GetEnumerator() => ((IEnumerable<T>)_items).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc/>
    public override string ToString() => "[" + string.Join(", ", _items) + "]";
}
