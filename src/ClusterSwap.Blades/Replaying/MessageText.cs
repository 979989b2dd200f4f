// A message's fields in words, for a reader.
using System.Collections;
using System.Collections.Concurrent;
using System.Globalization;
using System.Reflection;
using ClusterSwap.Engine;

namespace ClusterSwap.Blades.Replaying;

/// <summary>
/// Writes the plain fields of a message: numbers, flags, words, one level into structs, and the lengths of lists.
/// Fields that are zero, false or without effect are left out.
/// </summary>
public static class MessageText
{
    private const int Most = 8;

    private static readonly ConcurrentDictionary<Type, (string Name, Func<object, object?> Get)[]> s_members = new();

    /// <summary>The fields of a message, such as <c>Task=3 Cpu=1</c>; empty when there are none to speak of.</summary>
    public static string Of(SimMessage message)
    {
        var words = new List<string>();
        Add(words, "", message, depth: 0);
        return string.Join(' ', words.Take(Most)) + (words.Count > Most ? " ..." : "");
    }

    private static void Add(List<string> words, string prefix, object owner, int depth)
    {
        foreach (var (name, get) in MembersOf(owner.GetType()))
        {
            switch (get(owner))
            {
                case null or false or 0 or 0L or 0u or 0ul or (short)0 or (ushort)0 or (byte)0 or long.MaxValue:
                    break;
                case true:
                    words.Add(prefix + name);
                    break;
                case Enum word:
                    if (Convert.ToInt64(word, CultureInfo.InvariantCulture) != 0)
                    {
                        words.Add($"{prefix}{name}={word.ToString().Replace(", ", "|", StringComparison.Ordinal)}");
                    }

                    break;
                case ICollection { Count: > 0 } list:
                    words.Add(FormattableString.Invariant($"{prefix}{name}[{list.Count}]"));
                    break;
                case IFormattable number when number.GetType().IsPrimitive:
                    words.Add($"{prefix}{name}={number.ToString(null, CultureInfo.InvariantCulture)}");
                    break;
                case { } inner when depth == 0 && inner.GetType().IsValueType:
                    Add(words, name + ".", inner, depth + 1);
                    break;
            }
        }
    }

    private static (string Name, Func<object, object?> Get)[] MembersOf(Type type) => s_members.GetOrAdd(type, static found =>
    [
        .. found.GetFields(BindingFlags.Public | BindingFlags.Instance)
            .Select(field => (field.Name, (Func<object, object?>)field.GetValue)),
        .. found.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.Name != nameof(SimMessage.Kind) && property.CanRead
                && property.GetIndexParameters().Length == 0 && IsPlain(property.PropertyType))
            .Select(property => (property.Name, (Func<object, object?>)property.GetValue)),
    ]);

    private static bool IsPlain(Type type) => type.IsPrimitive || type.IsEnum;
}
