/** Keeps what was seen of the step that is under way. */
import type { Statement } from "../core/sql/statements.ts";
import { GodwitError } from "../errors.ts";
import type { Relations } from "./catalog.ts";
import type { SeenStatement } from "./seen.ts";

type Base = Pick<Statement, "text" | "line"> & { readonly inTransaction: boolean };

export class Recorder {
  /** What a migration wants and the scratch server does not have: `extension postgis`, `foreign server`. */
  readonly lacking: Set<string>;
  #seen: SeenStatement[] = [];
  #first: Relations | null = null;

  constructor(lacking: Set<string> = new Set()) {
    this.lacking = lacking;
  }

  /** Keeps the relations before the first statement of a step, and returns them. */
  begun(relations: Relations): Relations {
    this.#first ??= new Map(relations);
    return this.#first;
  }

  seen(statement: SeenStatement): void {
    this.#seen.push(statement);
  }

  notRun(base: Base, reason: string): void {
    this.#seen.push({ ...NOTHING, ...base, notRehearsed: reason });
  }

  failed(base: Base, error: unknown): void {
    const failure = error instanceof GodwitError ? error.toProblem() : null;
    this.#seen.push({ ...NOTHING, ...base, failure, notRehearsed: failure === null ? String(error) : null });
  }

  /** What belongs to the step that has just ended. The next one begins. */
  take(): readonly SeenStatement[] {
    const taken = this.#seen;
    this.#seen = [];
    this.#first = null;
    return taken;
  }
}

const NOTHING = {
  locks: [],
  held: [],
  rewrites: [],
  scans: [],
  builds: [],
  invalid: [],
  durationMs: 0,
  failure: null,
  notRehearsed: null,
  notUnderstood: null,
} as const;
