/**
 * Migrations whose own text removes the limit on their lock waits. pg_dump, for example, writes `SET
 * lock_timeout = 0`.
 *
 * A file runs as it is written, so such a setting holds. The run warns about it before the step.
 */
import { mentionedNames } from "../../core/sql/mentions.ts";
import { splitStatements } from "../../core/sql/statements.ts";
import type { Problem } from "../../errors.ts";
import type { RunSettings } from "../session/target.ts";
import type { Body } from "./body.ts";
import type { Prepared } from "./prepared.ts";

const NAME = new Set(["lock_timeout"]);

/** Whether a text sets lock_timeout by name. `RESET ALL` or a function can take it away without naming it. */
export function setsLockTimeout(text: string): boolean {
  return (
    (SETTING.test(text) || /\breset\s+lock_timeout\b/i.test(text)) && mentionedNames(text, NAME).size > 0
  );
}

/**
 * Sets the run's own value again, behind a statement that has taken it away. `local` limits it to the
 * transaction.
 */
export function boundLockWaits({ settings }: Prepared, run: RunSettings, local: boolean): string {
  return `set ${local ? "local " : ""}lock_timeout = ${settings.lockTimeoutMs ?? run.lockTimeoutMs};`;
}

/** Whether a text may reset lock_timeout without naming it. */
export function mayResetAll(text: string): boolean {
  return /\breset\s+all\b/i.test(text);
}

/**
 * One warning for each step whose text allows longer waits than the run does. A broken file fails when its turn
 * comes.
 */
export async function lockTimeoutWarnings(
  steps: readonly Prepared[],
  run: RunSettings,
): Promise<readonly Problem[]> {
  const warnings: Problem[] = [];
  for (const prepared of steps) {
    const body = prepared.problem === null ? await prepared.load().catch(() => null) : null;
    if (body?.kind !== "sql") continue;
    const found = firstLonger(body, prepared, run);
    if (found !== null)
      warnings.push(
        longerWait(prepared, { file: body.file, line: body.line + found.line - 1, text: found.text }),
      );
  }
  return warnings;
}

/** The same warning for a statement that a module sends. */
export function sentWarning(text: string, prepared: Prepared, run: RunSettings): Problem | null {
  const found = firstLonger({ text }, prepared, run);
  return found === null ? null : longerWait(prepared, { file: prepared.step.file, text: found.text });
}

function firstLonger(
  { text, units }: Pick<Body & { kind: "sql" }, "text" | "units">,
  { form, settings }: Prepared,
  run: RunSettings,
): { readonly line: number; readonly text: string } | null {
  const limitMs = settings.lockTimeoutMs ?? run.lockTimeoutMs;
  if (limitMs === 0 || !(setsLockTimeout(text) || mayResetAll(text))) return null;
  const oneByOne = form.sends === "statements" && units === undefined;
  const isLonger = (statement: { readonly text: string }) => {
    const waitMs = waitSetBy(statement.text, { oneByOne, whole: form.sends === "whole" });
    return waitMs !== null && (waitMs === 0 || waitMs > limitMs);
  };
  return splitStatements(text).find(isLonger) ?? null;
}

/**
 * The wait that a text allows to the statements behind it, in milliseconds. 0 means no limit or an unknown one,
 * `null` that the text sets none.
 */
function waitSetBy(
  text: string,
  { oneByOne, whole }: { readonly oneByOne: boolean; readonly whole: boolean },
): number | null {
  // In a file that is one message, the run can't set its own value again.
  if (/^reset\s+all\b/i.test(text)) return whole ? 0 : null;
  if (/^reset\s+lock_timeout\b/i.test(text)) return 0;
  if (!setsLockTimeout(text) || FOR_OTHERS.test(text)) return null;
  if (oneByOne && /^set\s+local\b/i.test(text)) return null;
  const [, value] = SETTING.exec(text) ?? [];
  return value === undefined ? null : millisecondsOf(value);
}

/** These settings are for later sessions. */
const FOR_OTHERS = /^alter\s+(?:role|user|database|system)\b/i;
const SETTING = /\block_timeout\b["']*\s*(?:,|:?=|\bto\b)\s*(['"]*[^'",;)]*)/i;

const UNITS_MS: Readonly<Record<string, number>> = {
  "": 1,
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function millisecondsOf(written: string): number {
  const [, number, unit = ""] = /^['"]*\s*([\d.]+)\s*([a-z]*)\s*$/i.exec(written) ?? [];
  const factor = UNITS_MS[unit.toLowerCase()];
  return number === undefined || factor === undefined ? 0 : Number(number) * factor;
}

function longerWait(
  { step }: Prepared,
  { file, line, text }: { readonly file: string; readonly line?: number; readonly text: string },
): Problem {
  const shown = /^(?:set|reset|discard)\b/i.test(text) ? ` (${text.replace(/\s+/g, " ").slice(0, 80)})` : "";
  return {
    code: "STEP_LOCK_TIMEOUT",
    message: `${step.revision} sets lock_timeout itself${shown}: --lock-timeout does not hold behind that.`,
    hint: `It may wait for a lock without end, and whoever comes after it waits behind it. Remove that statement. If it is intended, declare it: ${step.kind === "module" ? 'lockTimeout: "none"' : "-- godwit: lock-timeout=none"}`,
    place: line === undefined ? { file } : { file, line },
  };
}
