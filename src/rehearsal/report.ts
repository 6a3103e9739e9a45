/** What a rehearsal has found, as plain data. */
import { hideSecrets, secretsOf } from "../core/sql/secrets.ts";
import type { Problem } from "../errors.ts";
import { presentable } from "../std/secret.ts";
import type { LockMode } from "./lock-modes.ts";
import { judge, nameOf, type Risk, worstRisk } from "./risk.ts";
import type { RelationKind, SeenStatement } from "./seen.ts";

export interface RehearsedLock {
  /** `public.orders` */
  readonly relation: string;
  readonly kind: RelationKind;
  readonly mode: LockMode;
  /** `transaction`: until the migration is committed. `statement`: at most as long as the statement runs. */
  readonly heldUntil: "transaction" | "statement";
}

export interface RehearsedStatement {
  readonly text: string;
  /** In the file, from 1. `null`: a module has sent it. */
  readonly line: number | null;
  readonly state: "rehearsed" | "not rehearsed" | "not understood" | "failed";
  /** `null`: nothing is known of it. */
  readonly risk: Risk | null;
  /** Why this risk; or why it was not rehearsed or is not understood. */
  readonly why: string;
  /** How to get the same with less. */
  readonly safer: string | null;
  readonly locks: readonly RehearsedLock[];
  /** Tables and indexes that are written anew. */
  readonly rewrites: readonly string[];
  /** Tables that are read as a whole. */
  readonly scans: readonly string[];
  /** Indexes that are built on tables that are there. */
  readonly builds: readonly string[];
  /** Indexes that it leaves invalid. */
  readonly invalid: readonly string[];
  /** On the scratch server, whose tables have no rows. */
  readonly durationMs: number;
  readonly problem?: Problem;
}

export interface RehearsedStep {
  readonly revision: string;
  readonly file: string;
  readonly direction: "up" | "down";
  readonly phase: string;
  /**
   * The worst of its statements, as far as they were rehearsed. `null`: nothing bad is known, but not all of it was rehearsed,
   * so it is not called safe.
   */
  readonly risk: Risk | null;
  /** Why none of it was rehearsed. `null`: its statements are below. */
  readonly notRehearsed: string | null;
  readonly statements: readonly RehearsedStatement[];
}

export interface RehearsalReport {
  readonly target: string;
  /** The major version of the target. */
  readonly version: number;
  /** `18.4`: the scratch server. `null`: none was needed. */
  readonly scratch: string | null;
  /** The scratch server is of another major version than the target. */
  readonly otherVersion: boolean;
  /** What the scratch database was made from before the first step: the target's catalog, or the files that are applied. */
  readonly from: "catalog" | "files" | null;
  /** Why it was made from the files. */
  readonly notFromCatalog: string | null;
  /** What differs from the target there. Statements that touch it are never called safe. */
  readonly gaps: readonly string[];
  readonly steps: readonly RehearsedStep[];
  /** Of statements; a step of which nothing was rehearsed counts as one. */
  readonly counts: {
    readonly rehearsed: number;
    readonly notRehearsed: number;
    readonly notUnderstood: number;
    readonly failed: number;
  };
}

/** `line`: where the statement stands in its file. */
export function rehearsedStatement(seen: SeenStatement, line: number | null): RehearsedStatement {
  const text = presentable(hideSecrets(seen.text, secretsOf(seen.text)).text);
  const facts = {
    text,
    line,
    locks: seen.locks.map((lock) => ({
      relation: nameOf(lock),
      kind: lock.kind,
      mode: lock.mode,
      heldUntil: lock.heldUntil,
    })),
    rewrites: seen.rewrites.map(nameOf),
    scans: seen.scans.map(nameOf),
    builds: seen.builds.map(nameOf),
    invalid: seen.invalid.map(nameOf),
    durationMs: Math.round(seen.durationMs),
  };
  const unknown = { risk: null, safer: null, ...facts };
  if (seen.failure !== null)
    return { ...unknown, state: "failed", why: seen.failure.message, problem: seen.failure };
  if (seen.notRehearsed !== null) return { ...unknown, state: "not rehearsed", why: seen.notRehearsed };
  if (seen.notUnderstood !== null) return { ...unknown, state: "not understood", why: seen.notUnderstood };
  return { ...facts, state: "rehearsed", ...judge(seen) };
}

export function countsOf(steps: readonly RehearsedStep[]): RehearsalReport["counts"] {
  const states = steps.flatMap(({ notRehearsed, statements }) =>
    notRehearsed !== null ? ["not rehearsed"] : statements.map(({ state }) => state),
  );
  const count = (wanted: string) => states.filter((state) => state === wanted).length;
  return {
    rehearsed: count("rehearsed"),
    notRehearsed: count("not rehearsed"),
    notUnderstood: count("not understood"),
    failed: count("failed"),
  };
}

export function riskOf(statements: readonly RehearsedStatement[]): Risk | null {
  if (statements.length === 0) return "safe";
  const worst = worstRisk(statements.flatMap(({ risk }) => (risk === null ? [] : [risk])));
  return worst === "safe" && statements.some(({ risk }) => risk === null) ? null : worst;
}
