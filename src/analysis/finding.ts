/** What a linter has to say about a file, as plain data. */
import type { Direction } from "../core/migration.ts";

/** The gravest first. */
export const LEVELS = ["error", "warning", "hint"] as const;
export type Level = (typeof LEVELS)[number];

/** A finding in a file. Lines and columns count from 1, columns in characters. */
export interface LintFinding {
  /** `index-without-concurrently`, or `squawk/ban-char-field` for a rule of Squawk. */
  readonly rule: string;
  readonly level: Level;
  /** One sentence: what is wrong, with names. */
  readonly message: string;
  /** The safer way. */
  readonly hint: string | null;
  readonly revision: string | null;
  /** The text in which it was found. `null`: it is about the file as a whole. */
  readonly direction: Direction | null;
  /** The path below the folder of migrations, as in every message. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The last line of the statement. */
  readonly endLine: number;
  /** The line and a caret below it. `null`: the file has no such line. */
  readonly excerpt: string | null;
}

/** What the author wrote and no rule has read. */
export interface NotUnderstood {
  readonly file: string;
  readonly line: number;
  /** The end of a sentence: `a command of psql`. */
  readonly what: string;
}

export interface LintReport {
  /** Migrations whose files were looked at. */
  readonly files: number;
  /** Statements that the rules have read. */
  readonly statements: number;
  readonly notUnderstood: readonly NotUnderstood[];
  readonly findings: readonly LintFinding[];
  /** Findings that a comment with a reason has taken out. */
  readonly waived: number;
  /** Whether the rules of Squawk were applied, and why not. */
  readonly squawk: { readonly used: true } | { readonly used: false; readonly why: string };
}

/** Whether a finding is at least this grave. */
export function isAtLeast(level: Level, least: Level): boolean {
  return LEVELS.indexOf(level) <= LEVELS.indexOf(least);
}
