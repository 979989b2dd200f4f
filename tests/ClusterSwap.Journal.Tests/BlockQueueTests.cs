// Between a partition and its recorder: how much may wait, how long, and what is told of it. Time is a number here.
using ClusterSwap.Journal;

namespace ClusterSwap.Journal.Tests;

public sealed class BlockQueueTests
{
    [Fact]
    public void The_partition_waits_when_64_blocks_are_not_acknowledged()
    {
        var queue = new BlockQueue { OnWait = _ => throw new JournalException("waits") };
        for (int i = 1; i <= 64; i++)
        {
            queue.Add(Block(i));
        }

        Assert.Throws<JournalException>(() => queue.Add(Block(65)));
        Assert.Equal((64L, 16L * 1024 * 1024), (queue.Added, queue.Peak));
        queue.Acknowledge(1);
        queue.Add(Block(65));
        Assert.Equal(2, queue.First()!.Head.Sequence);
    }

    [Fact]
    public void Whoever_waits_gets_the_failure()
    {
        var queue = new BlockQueue();
        queue.Add(Block(1));
        var failure = new JournalException("the disk is full");
        queue.Fail(failure);
        Assert.Same(failure, Assert.Throws<JournalException>(queue.AwaitEmpty));
        Assert.Same(failure, Assert.Throws<JournalException>(() => queue.Add(Block(2))));
    }

    [Fact]
    public void A_database_that_is_slow_and_answers_is_not_told()
    {
        // 64 blocks, of which one is acknowledged every nine seconds: the run waits for almost ten minutes, and it gets on.
        var run = new WaitingRun();
        run.Fill();
        run.EachStep = step =>
        {
            if (step % 9 == 0)
            {
                run.Queue.Acknowledge(step / 9);
                run.Queue.Asked();
            }
        };
        run.Queue.AwaitEmpty();
        Assert.Empty(run.Told);
        Assert.Equal(TimeSpan.FromSeconds(9 * 64), run.Clock.Passed);
    }

    [Fact]
    public void A_database_that_leaves_a_question_unanswered_for_ten_seconds_is_told_and_so_is_its_answer()
    {
        var run = new WaitingRun();
        run.Fill();
        run.EachStep = step =>
        {
            Assert.Equal(step <= 10 ? 0 : 1, run.Told.Count);
            if (step == 30)
            {
                run.Queue.Acknowledge(1);
                Assert.Equal("The journal goes on.", run.Told[^1]);
                run.Queue.Acknowledge(64);
            }
        };
        run.Queue.AwaitEmpty();
        Assert.Equal(
            ["The journal waits: the journal file \"j.db\" has not answered for 10 s. The run goes on when it does.", "The journal goes on."],
            run.Told);
    }

    [Fact]
    public void What_was_not_asked_is_no_fault_of_the_database()
    {
        // The recorder itself takes long: its actor system starts, or the machine has no time for it.
        var run = new WaitingRun();
        run.Fill(asked: false);
        run.EachStep = step =>
        {
            if (step == 20)
            {
                run.Queue.Asked();
            }

            if (step == 29)
            {
                run.Queue.Acknowledge(64);
            }
        };
        run.Queue.AwaitEmpty();
        Assert.Empty(run.Told);
    }

    [Fact]
    public void A_partition_whose_question_waits_while_another_is_answered_tells_nothing()
    {
        var run = new WaitingRun();
        run.Fill();
        run.EachStep = step =>
        {
            run.Trouble.Clear();
            if (step == 60)
            {
                run.Queue.Acknowledge(64);
            }
        };
        run.Queue.AwaitEmpty();
        Assert.Empty(run.Told);
    }

    [Theory]
    [InlineData(false, 600)]
    [InlineData(true, 10)]
    public void A_wait_without_an_answer_ends_after_ten_minutes_and_ten_seconds_after_the_user_wants_to_stop(bool stops, int seconds)
    {
        var run = new WaitingRun();
        run.Fill();
        if (stops)
        {
            run.Stop.Cancel();
        }

        var error = Assert.Throws<JournalException>(run.Queue.AwaitEmpty);
        Assert.Contains($"The run waited {seconds} s for it and ends here", error.Message);
        Assert.Equal(TimeSpan.FromSeconds(seconds), run.Clock.Passed);
    }

    private static OpenBlock Block(long sequence)
        => new(new BlockHead { Kind = BlockKind.Events, Sequence = sequence }, new byte[JournalFormat.BlockBytes]);

    /// <summary>A full queue whose partition waits; each look at the wait is a second of its clock.</summary>
    private sealed class WaitingRun
    {
        private int _steps;

        public WaitingRun()
        {
            Trouble = new JournalTrouble(
                JournalStore.Sqlite("j.db"), new JournalPatience { Clock = Clock, Stop = Stop.Token }, Told.Add);
            Queue = new BlockQueue
            {
                Clock = Clock,
                Step = TimeSpan.FromTicks(1),
                OnAnswer = Trouble.Clear,
                OnWait = Look,
            };
        }

        public SteppedClock Clock { get; } = new();

        public CancellationTokenSource Stop { get; } = new();

        public List<string> Told { get; } = [];

        public JournalTrouble Trouble { get; }

        public BlockQueue Queue { get; }

        public Action<int> EachStep { get; set; } = _ => { };

        public void Fill(bool asked = true)
        {
            for (int i = 1; i <= BlockQueue.BlocksMax; i++)
            {
                Queue.Add(Block(i));
            }

            if (asked)
            {
                Queue.Asked();
            }
        }

        // The first look comes when no time has passed yet.
        private void Look(JournalWait wait)
        {
            Trouble.OnWait(wait);
            Clock.Passed += TimeSpan.FromSeconds(1);
            EachStep(++_steps);
        }
    }

    private sealed class SteppedClock : TimeProvider
    {
        public TimeSpan Passed { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Passed.Ticks;
    }
}
