/**
 * The signals of the process. A command that ends is interrupted by them, and a second one ends it at once. A command that
 * stays alive takes them over and passes them on.
 */
import { Interrupted } from "../errors.ts";

/** Those that an app may get; what the kernel sends for faults, and what nobody can catch, is not among them. */
const PASSED_ON: readonly NodeJS.Signals[] = ["SIGUSR1", "SIGUSR2"];

/** The signals that end a command, with the exit codes of shells: a terminal that was closed sends `SIGHUP`, `Ctrl-\\` sends `SIGQUIT`. */
const ENDING = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;

export type EndingSignal = keyof typeof ENDING;

/** `null`: a run that nobody has sent a signal to. */
export function exitCodeOfSignal(by: string): number | null {
  return by in ENDING ? ENDING[by as EndingSignal] : null;
}

export type SignalHandler = (name: NodeJS.Signals) => void;

export interface Signals {
  /** Aborts when the command should end; never once the signals are taken over. */
  readonly signal: AbortSignal;
  readonly isTaken: () => boolean;
  readonly abort: (reason: Error) => void;
  /** From here on the handler gets every signal, and first the one that has come before. */
  readonly take: (handler: SignalHandler) => void;
}

/** `onSecond`: nobody wants to wait for the end that the first one has begun. */
export function listenToSignals(onSecond: (name: EndingSignal) => void): Signals {
  const stop = new AbortController();
  let taken: SignalHandler | undefined;
  for (const name of Object.keys(ENDING) as EndingSignal[])
    process.on(name, () => {
      if (taken !== undefined) return taken(name);
      if (stop.signal.aborted) return onSecond(name);
      stop.abort(interruption(name));
    });
  return {
    signal: stop.signal,
    isTaken: () => taken !== undefined,
    abort: (reason) => stop.abort(reason),
    take(handler) {
      taken = handler;
      for (const name of PASSED_ON) process.on(name, () => handler(name));
      const { reason } = stop.signal as { reason: unknown };
      if (reason instanceof Interrupted) handler(reason.by as NodeJS.Signals);
    },
  };
}

function interruption(name: EndingSignal): Interrupted {
  return new Interrupted(
    {
      code: "INTERRUPTED",
      message: `${name} ended the run.`,
    },
    name,
  );
}
