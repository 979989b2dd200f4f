// Which test is running, and the command that runs it again.
using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using ClusterSwap.Engine;
using Xunit;

namespace ClusterSwap.Testing;

/// <summary>The command that repeats a test with its seed and schedule.</summary>
public static class TestCommand
{
    /// <summary>Environment variable that replaces a kit's seed.</summary>
    public const string SeedVariable = "CLUSTERSWAP_SEED";

    /// <summary>Environment variable that replaces a kit's schedule: "fifo", or "random" and a seed.</summary>
    public const string ScheduleVariable = "CLUSTERSWAP_SCHEDULE";

    /// <summary>The command line, for a POSIX shell.</summary>
    public static string For(string test, ulong seed, ScheduleStrategy schedule)
    {
        string text = schedule.Describe();
        string named = text == "fifo" ? string.Empty : $"{ScheduleVariable}='{text}' ";
        string numbered = seed.ToString(CultureInfo.InvariantCulture);
        return $"{SeedVariable}={numbered} {named}dotnet test --filter 'FullyQualifiedName={test}'";
    }

    /// <summary>The seed that the environment asks for, or this one.</summary>
    /// <exception cref="FormatException">The variable is no number.</exception>
    public static ulong SeedOr(ulong seed) =>
        Environment.GetEnvironmentVariable(SeedVariable) is not { Length: > 0 } text ? seed
        : ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong asked)
            ? asked
            : throw new FormatException($"{SeedVariable} is \"{text}\": it must be a number from 0 to 2^64 - 1");

    /// <summary>The schedule that the environment asks for, or this one.</summary>
    /// <exception cref="FormatException">The variable names no schedule.</exception>
    public static ScheduleStrategy ScheduleOr(ScheduleStrategy schedule) =>
        Environment.GetEnvironmentVariable(ScheduleVariable) is { Length: > 0 } text ? ParseSchedule(text) : schedule;

    /// <summary>Reads "fifo", "random 7" or, as a failure prints it, "random(seed 7)".</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static ScheduleStrategy ParseSchedule(string text)
    {
        string[] words = text.Split([' ', '(', ')'], StringSplitOptions.RemoveEmptyEntries);
        if (words is ["fifo"])
        {
            return ScheduleStrategy.Fifo;
        }

        return words is ["random", ..] && words.Length <= 3
            && ulong.TryParse(words[^1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong seed)
            ? ScheduleStrategy.Random(seed)
            : throw new FormatException($"\"{text}\" is no schedule: fifo, or random and a seed, such as \"random 7\"");
    }

    /// <summary>Full name of the test method on the stack; that of the class when it cannot be told.</summary>
    internal static string NameOfRunningTest(Type kit)
    {
        foreach (StackFrame frame in new StackTrace().GetFrames())
        {
            if (frame.GetMethod() is { } method && TestOf(method) is { } name)
            {
                return $"{kit.FullName}.{name}";
            }
        }

        return kit.FullName ?? kit.Name;
    }

    private static string? TestOf(MethodBase method)
    {
        if (method.IsDefined(typeof(FactAttribute), inherit: true))
        {
            return method.Name;
        }

        // The body of an async test is a method of a nested type, named <Test>d__7.
        string name = method.DeclaringType?.Name ?? string.Empty;
        int end = name.IndexOf('>', StringComparison.Ordinal);
        string? outer = end > 1 && name[0] == '<' ? name[1..end] : null;
        Type? owner = method.DeclaringType?.DeclaringType;
        return outer is not null && owner is not null && owner.GetMethods(
            BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Any(m => m.Name == outer && m.IsDefined(typeof(FactAttribute), inherit: true)) ? outer : null;
    }
}
