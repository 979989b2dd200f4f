// Small actors without a blade in sight: what the kit is for as well.
using ClusterSwap.Engine;
using MemoryPack;

namespace ClusterSwap.Testing.Tests;

[MemoryPackable]
public sealed partial class Ping() : SimMessage(1)
{
    public int Number { get; set; }

    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Number);
}

[MemoryPackable]
public sealed partial class Pong() : SimMessage(2)
{
    public int Number { get; set; }

    public override void Fold(ref Fingerprint fingerprint) => fingerprint.Add((ulong)Number);
}

[MemoryPackable]
public sealed partial class Wake() : SimMessage(3)
{
    public override void Fold(ref Fingerprint fingerprint)
    {
    }
}

[MemoryPackable]
public sealed partial class CallerState
{
    public int Sent { get; set; }

    public int Answered { get; set; }

    public int GaveUp { get; set; }
}

/// <summary>
/// Asks a server on another host, again every millisecond until it answers, and gives up after three.
/// </summary>
public sealed class Caller(HostContext host, int index, int serverHost, int server)
    : HostActor<CallerState>(host, index, new CallerState())
{
    public const long RetryNs = VirtualTime.Ms;

    public const int Attempts = 3;

    // One object for all requests, as long as it is under way within the instant only: the next one changes it.
    private readonly Ping _local = new();

    protected override void Receive(SimMessage message)
    {
        switch (message)
        {
            case Wake when State.Answered == 0 && State.Sent == Attempts:
                State.GaveUp++;
                break;
            case Wake when State.Answered == 0:
                State.Sent++;
                Call();
                Host.Schedule(Host.NowNs + RetryNs, Index, message);
                break;
            case Pong:
                State.Answered++;
                break;
        }
    }

    private void Call()
    {
        if (serverHost == Host.HostId)
        {
            _local.Number = State.Sent;
            Host.Send(server, _local);
        }
        else
        {
            Host.Transmit(serverHost, server, Host.NowNs + Toys.LatencyNs, new Ping { Number = State.Sent });
        }
    }
}

/// <summary>Answers after some microseconds of work.</summary>
public sealed class Echo(HostContext host, int index) : HostActor<CallerState>(host, index, new CallerState())
{
    protected override void Receive(SimMessage message)
    {
        State.Answered++;
        Host.Transmit(0, 0, Host.NowNs + Toys.LatencyNs, new Pong { Number = ((Ping)message).Number });
    }
}

/// <summary>Two actors write to one; it keeps the order.</summary>
[MemoryPackable]
public sealed partial class Ledger
{
    public List<int> Seen { get; set; } = [];
}

public sealed class Writer(HostContext host, int index, int number)
    : HostActor<CallerState>(host, index, new CallerState())
{
    protected override void Receive(SimMessage message) => Host.Send(0, new Ping { Number = number });
}

public sealed class Keeper(HostContext host, int index) : HostActor<Ledger>(host, index, new Ledger())
{
    protected override void Receive(SimMessage message) => State.Seen.Add(((Ping)message).Number);
}

/// <summary>Does what the test says.</summary>
public sealed class Script(HostContext host, int index, Action<Script, SimMessage> script)
    : HostActor<CallerState>(host, index, new CallerState())
{
    public HostContext On => Host;

    public int Number => Index;

    public Akka.Actor.IActorContext Akka => Context;

    public Akka.Actor.IActorRef Me { get; } = Context.Self;

    protected override void Receive(SimMessage message) => script(this, message);
}

internal static class Toys
{
    public const long LatencyNs = 5 * VirtualTime.Us;

    public static MessageRegistry Registry() => new MessageRegistry().Add<Ping>(1).Add<Pong>(2).Add<Wake>(3);
}
