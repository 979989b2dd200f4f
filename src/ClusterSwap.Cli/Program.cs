// The program's entry: real console, real clock, real runner.
using System.Runtime.InteropServices;
using ClusterSwap.Blades.Runs;
using ClusterSwap.Cli;

using var stop = new CancellationTokenSource();

// The first Ctrl-C or termination asks for a stop at the next barrier; the second ends the process at once.
void Stop(PosixSignalContext context)
{
    context.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
return new CliApplication(new BladeRunner { Clock = System.Diagnostics.Stopwatch.GetTimestamp }, CliConsole.Real(), TimeProvider.System).Run(args, stop.Token);
