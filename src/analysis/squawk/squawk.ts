/** The rules of Squawk, in our words and with our positions. */
import type { Level } from "../finding.ts";
import { linesOf } from "../lines.ts";
import { type Script, withBlanks } from "../script.ts";
import { findSquawk, runSquawk, type SquawkFinding, type SquawkOptions } from "./program.ts";
import { SQUAWK_RULES } from "./rules.ts";

/** In front of the name of a rule of Squawk. */
export const PREFIX = "squawk/";

export interface SquawkHit {
  readonly rule: string;
  readonly level: Level | "off";
  readonly at: number;
  readonly message: string;
  readonly hint: string | null;
}

export interface SquawkReading {
  readonly hits: readonly SquawkHit[];
  /** Offsets of statements that only Squawk does not parse. */
  readonly unread: readonly number[];
}

export interface AskOptions {
  /** Where the project is, which may have Squawk where we do not. */
  readonly root: string;
  readonly server: number | null;
  readonly include: readonly string[];
  readonly signal: AbortSignal;
}

export type SquawkAnswer =
  | { readonly used: true; readonly readings: readonly SquawkReading[] }
  | { readonly used: false; readonly why: string };

/** Asks Squawk about all scripts: once about those that are transactions, and once about the others. */
export async function askSquawk(scripts: readonly Script[], options: AskOptions): Promise<SquawkAnswer> {
  const program = findSquawk(options.root);
  if (program === null)
    return { used: false, why: "it is not installed (`npm install --save-dev squawk-cli`)" };
  try {
    const readings = new Map<Script, SquawkReading>();
    for (const inTransaction of [true, false]) {
      const group = scripts.filter(({ transactional }) => transactional === inTransaction);
      const read = await readAll(group, { ...options, program, inTransaction });
      for (const [index, script] of group.entries()) readings.set(script, read[index] ?? NOTHING);
    }
    return { used: true, readings: scripts.map((script) => readings.get(script) ?? NOTHING) };
  } catch (error) {
    options.signal.throwIfAborted();
    return { used: false, why: `it failed: ${error instanceof Error ? error.message : String(error)}` };
  }
}

const NOTHING: SquawkReading = { hits: [], unread: [] };
const SYNTAX = "syntax-error";

/** A statement that Squawk does not parse hides all others of its text, so it is asked again without that one. */
async function readAll(
  scripts: readonly Script[],
  options: SquawkOptions,
): Promise<readonly SquawkReading[]> {
  const all = scripts.map(({ text }) => linesOf(text, 1));
  const offsetOf = (index: number, { line, column }: SquawkFinding) =>
    all[index]?.offsetOf(line, column) ?? 0;
  const texts = scripts.map(({ readable }) => readable);
  const found = [...(await runSquawk(texts, options))];
  const again = scripts.flatMap((script, index) => {
    const broken = (found[index] ?? []).filter(({ rule_name }) => rule_name === SYNTAX);
    if (broken.length === 0) return [];
    const offsets = broken.map((finding) => offsetOf(index, finding));
    const unread = script.statements.filter(({ start, end }) =>
      offsets.some((offset) => offset >= start && offset <= end + 1),
    );
    return [{ index, unread, text: withBlanks(script.readable, unread) }];
  });
  const read =
    again.length === 0
      ? []
      : await runSquawk(
          again.map(({ text }) => text),
          options,
        );
  for (const [place, { index }] of again.entries()) found[index] = read[place] ?? [];
  const unread = new Map(again.map((each) => [each.index, each.unread]));
  return found.map((findings, index) => ({
    hits: findings
      .filter(({ rule_name }) => rule_name !== SYNTAX)
      .map((finding) => hitOf(finding, offsetOf(index, finding))),
    unread: (unread.get(index) ?? []).map(({ start }) => start),
  }));
}

function hitOf({ rule_name, level, message, help }: SquawkFinding, at: number): SquawkHit {
  const ours = SQUAWK_RULES.find(({ id }) => id === rule_name);
  return {
    rule: PREFIX + rule_name,
    level: ours?.level ?? (level === "Error" ? "error" : "warning"),
    at,
    message: message.replace(/([^.!?])$/, "$1."),
    hint: help,
  };
}
