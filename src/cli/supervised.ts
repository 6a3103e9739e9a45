/** The command `up` as the process of the migrations beside an app: what it tells the one that supervises it. */
import { Interrupted, type Problem } from "../errors.ts";
import type { RunEvent } from "../run/report/events.ts";
import { canPass, type FromMigrations, isForSupervisor, SUPERVISED } from "../service/supervise/protocol.ts";

export interface Supervisor {
  /** Whether it will start this process again after such a failure. */
  readonly isTriedAgain: (problems: readonly Problem[]) => boolean;
  /** The id of the log that supervisor and command share. */
  readonly instanceId: string;
  /** Passes an event to the supervisor. The command also handles it itself. */
  readonly tell: (event: RunEvent) => void;
  /** A run begins, under this id in all that others are told of it. */
  readonly begun: (run: { readonly runId: string; readonly target: string }) => void;
  readonly end: (end: {
    readonly ok: boolean;
    readonly text: string;
    readonly problems: readonly Problem[];
    readonly notBegun: readonly string[];
  }) => void;
}

/** `null`: nobody supervises us. `onAbandoned` is called when the supervisor is gone. */
export function findSupervisor(onAbandoned: (reason: Interrupted) => void): Supervisor | null {
  const said = process.env[SUPERVISED];
  if (said === undefined) return null;
  const [attemptsLeft, instanceId = said] = said.split(" ");
  // User code and other commands that it starts are not supervised.
  delete process.env[SUPERVISED];
  if (process.send === undefined) return null;
  process.on("disconnect", () =>
    onAbandoned(
      new Interrupted(
        {
          code: "INTERRUPTED",
          message: "godwit run, which had started the migrations, is gone.",
        },
        "SIGTERM",
      ),
    ),
  );
  const send = (message: FromMigrations) => {
    try {
      process.send?.(message, () => {});
    } catch {
      // The supervisor has just gone, or an event holds what cannot be sent. The run goes on.
    }
  };
  return {
    isTriedAgain: (problems) => Number(attemptsLeft) > 0 && canPass(problems),
    instanceId,
    tell: (event) => {
      if (isForSupervisor(event)) send({ kind: "event", event });
    },
    begun: ({ runId, target }) => send({ kind: "run", runId, target }),
    end: (end) => send({ kind: "end", ...end }),
  };
}
