// The CPUs of a host: sections, sleep and wake-up, interrupts, fair shares.
using ClusterSwap.Engine;
using CsCheck;
using MemoryPack;

namespace ClusterSwap.Engine.Tests;

public sealed class CpuModelTests
{
    private static readonly CpuModelOptions s_noSwitchCost = CpuModelOptions.ForCpus(1, switchCostNs: 0);

    [Fact]
    public void The_defaults_are_those_of_the_kernel_for_one_and_for_four_CPUs()
    {
        CpuModelOptions one = CpuModelOptions.ForCpus(1);
        CpuModelOptions four = CpuModelOptions.ForCpus(4);
        Assert.Equal((1_000_000, 6_000_000, 750_000), (one.WakeupGranularityNs, one.LatencyNs, one.MinGranularityNs));
        Assert.Equal(
            (3_000_000, 18_000_000, 2_250_000),
            (four.WakeupGranularityNs, four.LatencyNs, four.MinGranularityNs));
        Assert.Equal(CpuModelOptions.ForCpus(8), CpuModelOptions.ForCpus(64));
    }

    [Fact]
    public void A_section_occupies_its_CPU_for_its_cost_and_then_the_task_sleeps()
    {
        var cpus = new CpuModel(1, s_noSwitchCost);
        int task = cpus.AddTask(CpuModel.NiceZeroWeight);
        Assert.False(cpus.TryDispatch(0, out _, out _));
        cpus.Wake(task, 100);
        Assert.True(cpus.TryDispatch(100, out int cpu, out int got));
        Assert.Equal((0, task), (cpu, got));
        Assert.Equal(100 + 70 + 30, cpus.EndSection(task, 70, 30, sleep: true, 100, out cpu));
        Assert.Equal(CpuTaskState.Running, cpus.StateOf(task));
        Assert.Equal(CpuNext.Idle, cpus.OnCpuDone(cpu, 200, out _, out _));
        Assert.Equal(CpuTaskState.Asleep, cpus.StateOf(task));
        Assert.Equal((70, 30), (cpus.UserNs(task), cpus.SystemNs(task)));
        Assert.Equal((70, 30, 0), (cpus.TotalUserNs(), cpus.TotalSystemNs(), cpus.TotalInterruptNs()));
        Assert.Equal(100 + 800, cpus.TotalIdleNs(1_000));
        cpus.AssertInvariants();
    }

    [Fact]
    public void A_wake_up_during_the_section_that_ends_in_sleep_is_not_lost()
    {
        (CpuModel cpus, int task) = OneRunning(sleep: true);
        cpus.Wake(task, 50);
        Assert.Equal(CpuNext.Run, cpus.OnCpuDone(0, 100, out int got, out _));
        Assert.Equal(task, got);

        // The wake-up is used up: the next section's sleep is a sleep.
        cpus.EndSection(task, 10, 0, sleep: true, 100, out _);
        Assert.Equal(CpuNext.Idle, cpus.OnCpuDone(0, 110, out _, out _));
    }

    [Fact]
    public void A_wake_up_between_the_begin_of_a_section_and_the_word_that_it_sleeps_is_not_lost()
    {
        var cpus = new CpuModel(1, s_noSwitchCost);
        int task = cpus.AddTask(CpuModel.NiceZeroWeight);
        cpus.Wake(task, 0);
        Assert.True(cpus.TryDispatch(0, out _, out _));
        cpus.Wake(task, 0);
        cpus.EndSection(task, 100, 0, sleep: true, 0, out _);
        Assert.Equal(CpuNext.Run, cpus.OnCpuDone(0, 100, out _, out _));
    }

    [Fact]
    public void A_second_wake_up_of_a_runnable_task_changes_nothing()
    {
        (CpuModel cpus, _) = OneRunning(sleep: false);
        int other = cpus.AddTask(CpuModel.NiceZeroWeight);
        cpus.Wake(other, 10);
        cpus.Wake(other, 20);
        Assert.Equal(1, cpus.RunnableCount);
        cpus.AssertInvariants();
    }

    [Fact]
    public void An_interrupt_pushes_the_end_of_the_section()
    {
        (CpuModel cpus, int task) = OneRunning(sleep: true);
        Assert.Equal(40 + 25, cpus.Interrupt(0, 25, 40));
        Assert.Equal(CpuNext.NotYet, cpus.OnCpuDone(0, 100, out _, out long atNs));
        Assert.Equal(125, atNs);
        Assert.Equal(CpuNext.Idle, cpus.OnCpuDone(0, 125, out _, out _));
        Assert.Equal((25, 100), (cpus.TotalInterruptNs(), cpus.UserNs(task)));
        Assert.Equal(0, cpus.TotalIdleNs(125));
    }

    [Fact]
    public void Interrupts_on_one_CPU_are_serial()
    {
        (CpuModel cpus, _) = OneRunning(sleep: true);
        Assert.Equal(60, cpus.Interrupt(0, 20, 40));
        Assert.Equal(80, cpus.Interrupt(0, 20, 50));
        Assert.Equal(120, cpus.Interrupt(0, 20, 100));
        Assert.Equal(CpuNext.NotYet, cpus.OnCpuDone(0, 100, out _, out long atNs));
        Assert.Equal(160, atNs);
    }

    [Fact]
    public void Interrupt_work_on_an_idle_CPU_runs_before_the_task_that_is_dispatched_there()
    {
        var cpus = new CpuModel(1, s_noSwitchCost);
        int task = cpus.AddTask(CpuModel.NiceZeroWeight);
        Assert.Equal(130, cpus.Interrupt(0, 30, 100));
        cpus.Wake(task, 110);
        Assert.True(cpus.TryDispatch(110, out _, out _));
        Assert.Equal(130 + 50, cpus.EndSection(task, 50, 0, sleep: true, 110, out _));
        cpus.OnCpuDone(0, 180, out _, out _);
        Assert.Equal(100 + 20, cpus.TotalIdleNs(200));
        Assert.Equal(200, cpus.TotalIdleNs(200) + cpus.TotalUserNs() + cpus.TotalInterruptNs());
    }

    [Fact]
    public void An_idle_CPU_without_interrupt_work_is_preferred()
    {
        var cpus = new CpuModel(2, s_noSwitchCost);
        int task = cpus.AddTask(CpuModel.NiceZeroWeight);
        cpus.Interrupt(0, 30, 100);
        cpus.Wake(task, 110);
        Assert.True(cpus.TryDispatch(110, out int cpu, out _));
        Assert.Equal(1, cpu);
    }

    [Fact]
    public void A_switch_costs_system_time_and_staying_does_not()
    {
        var cpus = new CpuModel(1, CpuModelOptions.ForCpus(1, switchCostNs: 7));
        int first = cpus.AddTask(CpuModel.NiceZeroWeight);
        int second = cpus.AddTask(CpuModel.NiceZeroWeight);
        Assert.Equal(100, RunOnce(cpus, first, 0));
        Assert.Equal(200 + 100, RunOnce(cpus, first, 200));
        Assert.Equal(400 + 107, RunOnce(cpus, second, 400));
        Assert.Equal((0, 7), (cpus.SystemNs(first), cpus.SystemNs(second)));
    }

    [Fact]
    public void Tasks_share_a_CPU_by_their_weights()
    {
        // Weights 1,024, 2,048 and 3,072 for 600 ms in sections of 10 us; the queue decides, so shares are exact to a
        // slice.
        var cpus = new CpuModel(1, s_noSwitchCost);
        int[] tasks = [cpus.AddTask(1_024), cpus.AddTask(2_048), cpus.AddTask(3_072)];
        long endNs = RunBusy(cpus, tasks, 600_000_000, sectionNs: 10_000);
        Assert.Equal(endNs, tasks.Sum(cpus.UserNs));
        for (int i = 0; i < tasks.Length; i++)
        {
            long shareNs = 100_000_000L * (i + 1);
            Assert.InRange(cpus.UserNs(tasks[i]), shareNs - 6_000_000, shareNs + 6_000_000);
        }
    }

    [Fact]
    public void Tasks_of_nice_0_get_a_fair_share_of_four_CPUs()
    {
        var cpus = new CpuModel(4, CpuModelOptions.ForCpus(4, switchCostNs: 0));
        int[] tasks = [.. Enumerable.Range(0, 6).Select(_ => cpus.AddTask(CpuModel.NiceZeroWeight))];
        RunBusy(cpus, tasks, 300_000_000, sectionNs: 10_000);
        Assert.All(tasks, task => Assert.InRange(cpus.UserNs(task), 185_000_000, 215_000_000));
    }

    [Fact]
    public void A_woken_task_of_nice_minus_20_runs_at_the_end_of_the_section()
    {
        var cpus = new CpuModel(1, s_noSwitchCost);
        int sender = cpus.AddTask(CpuModel.NiceMinus20Weight);
        int process = cpus.AddTask(CpuModel.NiceZeroWeight);

        // The sender ran before and sleeps; the process has run for 200 us since, far less than its slice.
        RunOnce(cpus, sender, 0);
        cpus.Wake(process, 1_000);
        Assert.True(cpus.TryDispatch(1_000, out _, out _));
        cpus.EndSection(process, 200_000, 0, sleep: false, 1_000, out _);
        cpus.Wake(sender, 100_000);
        Assert.True(cpus.NeedResched(0));
        Assert.Equal(CpuNext.NotYet, cpus.OnCpuDone(0, 100_000, out _, out long atNs));
        Assert.Equal(CpuNext.Run, cpus.OnCpuDone(0, atNs, out int next, out _));
        Assert.Equal(sender, next);
    }

    [Fact]
    public void A_woken_task_of_nice_0_that_is_hardly_behind_waits()
    {
        (CpuModel cpus, int task) = OneRunning(sleep: false);
        int other = cpus.AddTask(CpuModel.NiceZeroWeight);
        cpus.Wake(other, 50);
        Assert.False(cpus.NeedResched(0));
        Assert.Equal(CpuNext.Run, cpus.OnCpuDone(0, 100, out int next, out _));
        Assert.Equal(task, next);
    }

    [Fact]
    public void A_long_sleeper_gets_half_a_latency_of_credit_and_no_more()
    {
        var cpus = new CpuModel(1, s_noSwitchCost);
        int sleeper = cpus.AddTask(CpuModel.NiceZeroWeight);
        int busy = cpus.AddTask(CpuModel.NiceZeroWeight);
        cpus.Wake(busy, 0);
        RunBusy(cpus, [busy], 100_000_000, 10_000, alreadyAwake: true);
        cpus.Wake(sleeper, 100_000_000);
        Assert.Equal(cpus.VirtualRunNs(busy) - 3_000_000, cpus.VirtualRunNs(sleeper));
    }

    [Fact]
    public void Ending_a_section_that_did_not_begin_is_refused()
    {
        (CpuModel cpus, int task) = OneRunning(sleep: false);
        Assert.Throws<InvalidOperationException>(() => cpus.EndSection(task, 1, 1, false, 10, out _));
    }

    [Fact]
    public void Any_history_keeps_the_invariants_conserves_time_and_survives_a_round_trip()
    {
        Gen.Select(Gen.Int[1, 4], Gen.Int[1, 9], Gen.ULong).Sample(
            (cpuCount, taskCount, seed) =>
            {
                var stream = new RandomStream(seed);
                var cpus = new CpuModel(cpuCount, CpuModelOptions.ForCpus(cpuCount));
                var driver = new Driver(cpus);
                for (int i = 0; i < taskCount; i++)
                {
                    cpus.AddTask(stream.Next(3) == 0 ? CpuModel.NiceMinus20Weight : CpuModel.NiceZeroWeight);
                }

                for (int step = 0; step < 200; step++)
                {
                    driver.Step(ref stream);
                    driver.Cpus.AssertInvariants();
                    if (step == 100)
                    {
                        byte[] bytes = MemoryPackSerializer.Serialize(driver.Cpus);
                        driver.Cpus = MemoryPackSerializer.Deserialize<CpuModel>(bytes)!;
                        Assert.Equal(bytes, MemoryPackSerializer.Serialize(driver.Cpus));
                    }
                }

                driver.Finish();
                CpuModel end = driver.Cpus;
                long total = end.TotalUserNs() + end.TotalSystemNs();
                total += end.TotalInterruptNs() + end.TotalIdleNs(driver.NowNs);
                Assert.Equal(driver.NowNs * cpuCount, total);
            },
            iter: 300,
            threads: 1);
    }

    private static (CpuModel Cpus, int Task) OneRunning(bool sleep)
    {
        var cpus = new CpuModel(1, s_noSwitchCost);
        int task = cpus.AddTask(CpuModel.NiceZeroWeight);
        cpus.Wake(task, 0);
        Assert.True(cpus.TryDispatch(0, out _, out _));
        Assert.Equal(100, cpus.EndSection(task, 100, 0, sleep, 0, out _));
        return (cpus, task);
    }

    private static long RunOnce(CpuModel cpus, int task, long nowNs)
    {
        cpus.Wake(task, nowNs);
        Assert.True(cpus.TryDispatch(nowNs, out int cpu, out int got));
        Assert.Equal(task, got);
        long endNs = cpus.EndSection(task, 100, 0, sleep: true, nowNs, out _);
        Assert.Equal(CpuNext.Idle, cpus.OnCpuDone(cpu, endNs, out _, out _));
        return endNs;
    }

    /// <summary>Keeps all tasks busy until a time; returns when the last CPU's section before it ended.</summary>
    private static long RunBusy(CpuModel cpus, int[] tasks, long untilNs, long sectionNs, bool alreadyAwake = false)
    {
        var events = new PriorityQueue<int, (long, int)>();
        foreach (int task in tasks)
        {
            if (!alreadyAwake)
            {
                cpus.Wake(task, 0);
            }
        }

        while (cpus.TryDispatch(0, out int cpu, out int task))
        {
            events.Enqueue(cpu, (cpus.EndSection(task, sectionNs, 0, false, 0, out _), cpu));
        }

        long lastNs = 0;
        while (events.TryDequeue(out int cpu, out (long AtNs, int) key) && key.AtNs < untilNs)
        {
            Assert.Equal(CpuNext.Run, cpus.OnCpuDone(cpu, key.AtNs, out int task, out _));
            lastNs = cpus.EndSection(task, sectionNs, 0, false, key.AtNs, out _);
            events.Enqueue(cpu, (lastNs, cpu));
        }

        return lastNs;
    }

    /// <summary>Drives the CPUs as a host would, with random wake-ups, costs and interrupts.</summary>
    private sealed class Driver(CpuModel cpus)
    {
        private readonly SortedSet<(long AtNs, int Cpu)> _events = [];

        public CpuModel Cpus { get; set; } = cpus;

        public long NowNs { get; private set; }

        public void Step(ref RandomStream stream)
        {
            switch (stream.Next(4))
            {
                case 0:
                    Cpus.Wake(stream.Next(Cpus.TaskCount), NowNs);
                    break;
                case 1:
                    Cpus.Interrupt(stream.Next(Cpus.CpuCount), stream.Next(3_000), NowNs);
                    break;
                default:
                    Advance(NowNs + stream.Next(20_000), ref stream);
                    break;
            }

            Dispatch(ref stream);
        }

        public void Finish()
        {
            var stream = new RandomStream(1);
            while (_events.Count > 0)
            {
                Advance(_events.Min.AtNs, ref stream, sleepAlways: true);
            }

            for (int cpu = 0; cpu < Cpus.CpuCount; cpu++)
            {
                NowNs = Math.Max(NowNs, Cpus.InterruptUntilNs(cpu));
            }

            Cpus.AssertInvariants();
        }

        private void Advance(long untilNs, ref RandomStream stream, bool sleepAlways = false)
        {
            while (_events.Count > 0 && _events.Min.AtNs <= untilNs)
            {
                (long atNs, int cpu) = _events.Min;
                _events.Remove(_events.Min);
                NowNs = atNs;
                CpuNext next = Cpus.OnCpuDone(cpu, atNs, out int task, out long laterNs);
                if (next == CpuNext.NotYet)
                {
                    Assert.True(laterNs > atNs, $"{laterNs} is not after {atNs}");
                    _events.Add((laterNs, cpu));
                }
                else if (next == CpuNext.Run)
                {
                    Begin(task, ref stream, sleepAlways);
                }
            }

            NowNs = Math.Max(NowNs, untilNs);
        }

        private void Dispatch(ref RandomStream stream)
        {
            while (Cpus.TryDispatch(NowNs, out _, out int task))
            {
                Begin(task, ref stream, sleepAlways: false);
            }
        }

        private void Begin(int task, ref RandomStream stream, bool sleepAlways)
        {
            bool sleep = sleepAlways || stream.Next(2) == 0;
            long endNs = Cpus.EndSection(task, stream.Next(9_000), stream.Next(9_000), sleep, NowNs, out int cpu);
            _events.Add((endNs, cpu));
        }
    }

    [Fact]
    public void A_chooser_is_asked_among_those_within_the_wakeup_granularity_and_no_others()
    {
        // Of three tasks one has run for five milliseconds; the two that wait are as good as each other, it is not.
        var cpus = new CpuModel(1, new CpuModelOptions());
        for (int task = 0; task < 3; task++)
        {
            cpus.AddTask(CpuModel.NiceZeroWeight);
            cpus.Wake(task, 0);
        }

        Assert.True(cpus.TryDispatch(0, out _, out int first));
        long endNs = cpus.EndSection(first, 0, 5_000_000, sleep: false, 0, out int cpu);
        var chooser = new LastOf();
        cpus.AskAt(chooser);

        Assert.Equal(CpuNext.Run, cpus.OnCpuDone(cpu, endNs, out int next, out _));
        Assert.Equal([1, 2], chooser.Asked);
        Assert.Equal(2, next);
    }

    private sealed class LastOf : ITaskChooser
    {
        public int[] Asked { get; private set; } = [];

        public bool Chooses => true;

        public int Choose(ReadOnlySpan<int> tasks)
        {
            Asked = tasks.ToArray();
            return tasks.Length - 1;
        }
    }
}
