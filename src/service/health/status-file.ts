/**
 * The newest state as a file, for whoever cannot or may not ask a port: `docker exec`, `HEALTHCHECK`, another process of the
 * same container.
 *
 * A reader never sees half of it: each state is written beside it and then renamed. A process that is killed leaves its last
 * state behind, so the file names the process: where that is gone, a run that was under way is no longer known.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";
import { ConfigError } from "../../errors.ts";
import { makeFolder } from "../../std/make-folder.ts";
import { tolerant } from "../../std/tolerant.ts";
import type { About } from "./about.ts";
import { type HealthAnswer, healthAnswer } from "./answer.ts";
import type { HealthSnapshot } from "./snapshot.ts";
import { createHealthState, type HealthState } from "./state.ts";

/** What is in the file: the answer of `/api/health`, and what else is known. */
export interface StatusDocument extends HealthAnswer {
  readonly process: {
    readonly pid: number;
    readonly host: string;
  };
  readonly snapshot: HealthSnapshot;
}

export interface StatusFileOptions {
  readonly file: string;
  readonly about: About;
  /** The first failure to write it later; none of them ends anything. */
  readonly onFailure: (error: ConfigError) => void;
}

export interface StatusFile {
  /** Writes the last state. */
  close(): void;
}

/** Throws `ConfigError` where the first state can't be written. */
export function keepStatusFile(
  state: Pick<HealthState, "snapshot" | "onChange">,
  { file, about, onFailure }: StatusFileOptions,
): StatusFile {
  let last = "";
  const write = () => {
    const snapshot = state.snapshot();
    last = weightOf(snapshot);
    writeWhole(file, `${JSON.stringify(documentOf(snapshot, about), null, 2)}\n`);
  };
  write();
  let timer: NodeJS.Timeout | undefined;
  const later = tolerant(
    () => {
      timer = undefined;
      write();
    },
    (error) => onFailure(error as ConfigError),
  );
  // Steps and numbers change many times a second; what they come to does not.
  const stop = state.onChange(() => {
    if (weightOf(state.snapshot()) !== last) {
      clearTimeout(timer);
      later();
    } else timer ??= setTimeout(later, QUIET_MS).unref();
  });
  return {
    close() {
      stop();
      clearTimeout(timer);
      later();
    },
  };
}

const QUIET_MS = 1_000;

/** What must be in the file at once. */
function weightOf({ status, waitingFor, step, failures, rollback, skipped, ready }: HealthSnapshot): string {
  return JSON.stringify([
    status,
    waitingFor?.pid,
    waitingFor?.kind,
    step?.revision,
    failures,
    rollback,
    skipped,
    ready,
  ]);
}

function documentOf(snapshot: HealthSnapshot, about: About): StatusDocument {
  const owner = { pid: process.pid, host: hostname() };
  return { ...healthAnswer(snapshot, about, new Date()), process: owner, snapshot };
}

function writeWhole(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  try {
    makeFolder(dirname(file));
    // A killed process with the same id may have left one. A link that somebody else has put there is not followed.
    rmSync(draft, { force: true });
    // Others of the container may read it, and there is no secret in it.
    writeFileSync(draft, text, { mode: 0o644, flag: "wx" });
    renameSync(draft, file);
  } catch (error) {
    withoutDraft(draft);
    throw new ConfigError(
      {
        code: "STATUS_FILE",
        message: `The status file ${file} can't be written: ${reasonOf(error)}.`,
        hint: "Name a file in a folder that this user may write with --status-file or GODWIT_STATUS_FILE, for example /tmp/godwit.json.",
        details: { file },
      },
      { cause: error },
    );
  }
}

/** There may be none, and no folder to have one. */
function withoutDraft(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    // Why the file can't be written is what is told.
  }
}

/** Throws `ConfigError` where there is none, or where it is none of ours. */
export function readStatusFile(file: string): StatusDocument & { readonly alive: boolean } {
  let read: unknown;
  try {
    read = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === "ENOENT";
    throw unreadable(file, missing ? "is not there" : `can't be read: ${reasonOf(error)}`);
  }
  if (!isDocument(read)) throw unreadable(file, "is not a status file of Godwit");
  // Another version may have written it, without something that this one knows.
  const complete = { ...read, snapshot: completed(read.snapshot) };
  return isLeft(complete) ? { ...withoutOwner(complete), alive: false } : { ...complete, alive: true };
}

function completed(snapshot: Partial<HealthSnapshot>): HealthSnapshot {
  const known = createHealthState().snapshot();
  return { ...known, ...snapshot, counters: { ...known.counters, ...snapshot.counters } };
}

function isDocument(read: unknown): read is StatusDocument {
  const { process: owner, snapshot, migrations } = (read ?? {}) as Partial<StatusDocument>;
  return (
    typeof owner?.pid === "number" && typeof snapshot?.status === "string" && typeof migrations === "object"
  );
}

/** Its process was killed. Of another host nothing can be seen from here. */
function isLeft({ process: owner }: StatusDocument): boolean {
  if (owner.host !== hostname()) return false;
  try {
    process.kill(owner.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ESRCH";
  }
}

/** What was done stays done; what was under way is not known. */
function withoutOwner(document: StatusDocument): StatusDocument {
  const { snapshot, migrations } = document;
  if (snapshot.status !== "running") return document;
  const unknown = { status: "unknown", waitingFor: null, step: null, imports: [] } as const;
  return {
    ...document,
    migrations: { status: "unknown", lastChecked: migrations.lastChecked },
    snapshot: { ...snapshot, ...unknown },
  };
}

function unreadable(file: string, what: string): ConfigError {
  return new ConfigError({
    code: "STATUS_FILE",
    message: `The status file ${file} ${what}.`,
    hint: "`godwit run` and `godwit serve` write it, with the same --status-file or GODWIT_STATUS_FILE. Is one of them running?",
    details: { file },
  });
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
