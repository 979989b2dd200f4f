// vmscan-anon-mmap: each process passes over its anonymous pages again and again.
using MemoryPack;

namespace ClusterSwap.Kernel.Swap;

/// <summary>What a pass does to each page.</summary>
public enum PassKind : byte
{
    /// <summary>Every pass writes a word per page (<c>vmscan-anon-mmap-write</c>).</summary>
    Write,

    /// <summary>The first pass writes, the others read: the "linear reading" of the series' cover letter.</summary>
    ReadAfterFill,

    /// <summary>Every pass reads: of never-written memory this is the zero page, and takes no memory.</summary>
    Read,
}

/// <summary>
/// The MMTests benchmark vmscan-anon-mmap of July 2012 as data: processes of equal size, linear passes at page
/// stride, each pass touches every page once. It says which version each page must have, so that a lost page shows.
/// </summary>
[MemoryPackable]
public sealed partial class Workload
{
    [MemoryPackInclude]
    private readonly int[] _position;

    [MemoryPackInclude]
    private readonly int[] _pass;

    /// <summary>Processes at their first page. <paramref name="passes"/> is at least 1 (MMTests' default: 5).</summary>
    public Workload(int processes, int pagesPerProcess, int passes, PassKind kind)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(processes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(pagesPerProcess, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(passes, 1);
        PagesPerProcess = pagesPerProcess;
        Passes = passes;
        Kind = kind;
        Running = processes;
        _position = new int[processes];
        _pass = new int[processes];
    }

    [MemoryPackConstructor]
    private Workload(int[] _position, int[] _pass, int pagesPerProcess, int passes, PassKind kind)
    {
        this._position = _position;
        this._pass = _pass;
        PagesPerProcess = pagesPerProcess;
        Passes = passes;
        Kind = kind;
    }

    /// <summary>Pages that each process maps.</summary>
    public int PagesPerProcess { get; }

    /// <summary>Passes of each process.</summary>
    public int Passes { get; }

    /// <summary>What the passes do.</summary>
    public PassKind Kind { get; }

    /// <summary>Processes that are not done.</summary>
    [MemoryPackInclude]
    public int Running { get; private set; }

    /// <summary>Pages touched by all processes so far.</summary>
    [MemoryPackInclude]
    public long Touched { get; private set; }

    /// <summary>Pages that all processes will have touched when all are done.</summary>
    [MemoryPackIgnore]
    public long TotalTouches => (long)_position.Length * PagesPerProcess * Passes;

    /// <summary>The pass a process is in, from 0; <see cref="Passes"/> when it is done.</summary>
    public int Pass(int process) => _pass[process];

    /// <summary>The next page of a process.</summary>
    public int Position(int process) => _position[process];

    /// <summary>Indicates that the process has ended its last pass.</summary>
    public bool IsDone(int process) => _pass[process] == Passes;

    /// <summary>
    /// The next stretch of work of a process: call <see cref="AddressSpaces.Touch"/> with it, then
    /// <see cref="Advance"/>.
    /// </summary>
    public TouchCall Next(int process, long budgetNs, int cpu)
    {
        if (IsDone(process))
        {
            throw new InvalidOperationException($"process {process} has done its {Passes} passes and asks for more");
        }

        var pass = (uint)_pass[process];
        return new TouchCall
        {
            Process = process,
            Offset = _position[process],
            Write = Writes(pass),
            Cpu = (byte)cpu,
            Stamp = pass + 1,
            Expected = WrittenBefore(pass),
            BudgetNs = budgetNs,
        };
    }

    /// <summary>Version of a page of the process at this moment: it was touched in this pass or not yet.</summary>
    public uint ExpectedVersion(int process, int offset)
    {
        var pass = (uint)_pass[process];
        return WrittenBefore(offset < _position[process] ? pass + 1 : pass);
    }

    /// <summary>
    /// What the page of the process must contain now; <paramref name="vpn"/> is its blade-wide number.
    /// </summary>
    public uint ExpectedStamp(int process, int offset, int vpn) => Stamps.Of(vpn, ExpectedVersion(process, offset));

    /// <summary>Takes over how far the call came. True when the process is done by this.</summary>
    public bool Advance(in TouchCall call)
    {
        var process = call.Process;
        if (call.Offset - _position[process] != call.Touched || call.Offset > PagesPerProcess)
        {
            throw new InvalidOperationException(
                $"process {process} was at page {_position[process]}, touched {call.Touched}, and is at {call.Offset}");
        }

        _position[process] = call.Offset;
        Touched += call.Touched;
        if (call.Stop != TouchStop.PassEnd)
        {
            return false;
        }

        _position[process] = 0;
        _pass[process]++;
        Running -= IsDone(process) ? 1 : 0;
        return IsDone(process);
    }

    /// <summary>Compares positions, passes and counts with each other.</summary>
    public void AssertInvariants()
    {
        var touched = 0L;
        var running = 0;
        for (var process = 0; process < _pass.Length; process++)
        {
            touched += (long)_pass[process] * PagesPerProcess + _position[process];
            running += IsDone(process) ? 0 : 1;
        }

        if (touched != Touched || running != Running)
        {
            throw new InvalidOperationException(
                $"workload: {Touched} touches counted, {touched} by position; {Running} running, {running} by pass");
        }
    }

    private bool Writes(uint pass) => Kind == PassKind.Write || (Kind == PassKind.ReadAfterFill && pass == 0);

    private uint WrittenBefore(uint pass) => Kind switch
    {
        PassKind.Write => pass,
        PassKind.ReadAfterFill => Math.Min(pass, 1),
        _ => 0,
    };
}
