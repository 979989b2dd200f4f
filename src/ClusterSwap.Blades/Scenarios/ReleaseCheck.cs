// What must go together in a kernel: a change that alters another one needs it.
using ClusterSwap.Kernel;

namespace ClusterSwap.Blades.Scenarios;

/// <summary>Builds and checks the rules of a group's kernel.</summary>
internal static class ReleaseCheck
{
    /// <summary>The rules that era, patches and changes of a group make together.</summary>
    public static KernelRules Rules(CheckedTable group)
    {
        var era = EraWords.Of(group.Get<string>("era"));
        ChangeSet.TryParse(group.Get<string>("changes"), era, out var changes, out _);
        return new KernelRules(era, group.Get<PatchChoice>("patches").For(era), changes);
    }

    /// <summary>Adds a problem for each change of <paramref name="group"/> whose needs are not in.</summary>
    public static void Run(CheckedTable group, List<ScenarioProblem> problems)
    {
        var changes = Rules(group).Changes;
        foreach (var info in KernelChanges.All.Where(info => changes.Has(info.Change)))
        {
            foreach (var need in info.Needs.Where(need => !changes.Has(need)))
            {
                problems.Add(new ScenarioProblem(
                    group.Place("changes"), group.Path("changes"), $"{info.Name} changes what is not in: {need.Info().Name}",
                    group.Show("changes"), $"with + {need.Info().Name}, or without {info.Name}", null));
            }
        }
    }
}
