/**
 * Lints migrations: reads each file, asks our rules and Squawk's, takes out what a comment waives, and counts what
 * nobody has read. It runs nothing, and needs no database.
 */
import { join } from "node:path";
import type { RangeVar } from "libpg-query";
import type { Direction, Migration } from "../core/migration.ts";
import { GodwitError, type Problem, problemsOf } from "../errors.ts";
import type { Content, Listing, Source } from "../source/source.ts";
import { readText } from "../source/text.ts";
import { LEVELS, type Level, type LintFinding, type LintReport, type NotUnderstood } from "./finding.ts";
import { type Lines, linesOf } from "./lines.ts";
import { loadParser, type Parse } from "./parser.ts";
import { REMARKS, RULES } from "./rules/rules.ts";
import { createdIn, onTablesInUse, readScript, type Script, statementAt } from "./script.ts";
import { SQUAWK_DEFAULTS, SQUAWK_RULES } from "./squawk/rules.ts";
import { askSquawk, PREFIX } from "./squawk/squawk.ts";
import { Waived } from "./waived.ts";

export interface LintInput {
  readonly source: Source;
  readonly listing: Listing;
  /** The migrations to lint. Rules about the folder look at all of them. */
  readonly chosen: readonly Migration[];
  /** They run one after the other: what one creates is new to the next. Otherwise some may be applied. */
  readonly together: boolean;
  /** The major version of the server. `null`: it is not known. */
  readonly server: number | null;
  /** Levels that differ from those of the tables, by the id of the rule. */
  readonly levels: Readonly<Record<string, Level | "off">>;
  /** The root folder of the project. */
  readonly root: string;
  readonly now: Date;
  readonly signal: AbortSignal;
}

export interface Reading {
  readonly report: LintReport;
  readonly read: WhatWasRead;
}

/** What was read, so that readings of one folder can be made one. */
export interface WhatWasRead {
  readonly revisions: readonly string[];
  /** How many statements of each file the rules have read. */
  readonly statements: ReadonlyMap<string, number>;
  readonly waived: readonly LintFinding[];
}

/** A finding before its level is known, and before waivers. */
type Draft = Omit<LintFinding, "level"> & { readonly level: Level | "off" };

export async function lint(input: LintInput): Promise<LintReport> {
  return (await readAndLint(input)).report;
}

/** With what was read for it. */
export async function readAndLint(input: LintInput): Promise<Reading> {
  const { chosen, signal } = input;
  const parse = await loadParser();
  const gathered = new Gathered(input);
  for (const problem of input.listing.problems) gathered.problem("broken-file", problem, null);
  for (const migration of chosen) {
    signal.throwIfAborted();
    await gathered.read(migration, parse);
  }
  gathered.checkFolder();
  const squawk = await gathered.askSquawk();
  const { read, ...report } = gathered.report();
  return { report: { ...report, squawk }, read };
}

export const RULE_IDS: readonly string[] = [
  ...[...RULES, ...REMARKS].map(({ id }) => id),
  ...SQUAWK_RULES.map(({ id }) => PREFIX + id),
  ...SQUAWK_DEFAULTS.map((id) => PREFIX + id),
];

/** Whether a configuration or a waiver may name it. A newer Squawk has rules that are not in our tables. */
export function isRule(id: string): boolean {
  return RULE_IDS.includes(id) || id.startsWith(PREFIX);
}

class Gathered {
  readonly #input: LintInput;
  readonly #drafts: Draft[] = [];
  /** What would be found where the tables of earlier migrations are there already. A waiver of it has its use. */
  readonly #elsewhere: Draft[] = [];
  readonly #scripts: { readonly script: Script; readonly lines: Lines }[] = [];
  readonly #notUnderstood: NotUnderstood[] = [];
  readonly #waived = new Waived();
  /** What the scripts so far create, if they run together. */
  readonly #created: RangeVar[] = [];
  readonly #statements = new Map<string, number>();

  constructor(input: LintInput) {
    this.#input = input;
  }

  problem(rule: string, problem: Problem, migration: Migration | null): void {
    const { message, hint = null, place } = problem;
    this.#drafts.push({
      ...{ rule, level: "error", message, hint, revision: migration?.id ?? null, direction: null },
      file: place?.file ?? migration?.file ?? "",
      line: place?.line ?? 1,
      column: place?.column ?? 1,
      endLine: place?.line ?? 1,
      excerpt: place?.excerpt ?? null,
    });
  }

  async read(migration: Migration, parse: Parse): Promise<void> {
    if (migration.problem !== undefined) this.problem("broken-file", migration.problem, migration);
    if (migration.note !== undefined) this.problem("file-note", migration.note, migration);
    if (migration.problem !== undefined) return;
    if (migration.kind === "module") return this.#readModule(migration);
    const directions: readonly Direction[] = migration.revertible ? ["up", "down"] : ["up"];
    for (const direction of directions) {
      const content = await this.#content(migration, direction);
      if (content?.kind === "sql") this.#readSql({ migration, direction, content, parse });
    }
  }

  async #content(migration: Migration, direction: Direction): Promise<Content | null> {
    try {
      return await this.#input.source.read(migration, direction);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      for (const problem of problemsOf(error))
        if (problem.code === "SOURCE_PLACEHOLDER")
          this.#notUnderstood.push({
            ...{ file: migration.file, line: problem.place?.line ?? 1 },
            what: "a file with a placeholder that only the database knows",
          });
        else this.problem("broken-file", problem, migration);
      return null;
    }
  }

  #readSql(read: {
    readonly migration: Migration;
    readonly direction: Direction;
    readonly content: Content & { readonly kind: "sql" };
    readonly parse: Parse;
  }): void {
    const { migration, direction, content, parse } = read;
    const { text, file, line, settings = migration.settings } = content;
    const mayOwnTransactions = content.ownTransactions === true;
    const given = { migration, direction, layout: this.#input.source.layout };
    const createdBefore = direction === "up" ? [...this.#created] : [];
    const own = { file, text, line, settings, mayOwnTransactions, createdBefore };
    const script = readScript({ ...given, ...own }, parse);
    if (direction === "up" && this.#input.together) this.#created.push(...createdIn(script));
    const lines = linesOf(text, line);
    this.#scripts.push({ script, lines });
    const whole = this.#fileText(file);
    if (whole === null) this.#waived.addSql(file, text, line);
    else this.#waived.addSql(file, whole, 1);
    let statements = 0;
    for (const { start, unread } of script.statements)
      if (unread === null) statements++;
      else this.#notUnderstood.push({ file, line: lines.lineOf(start), what: unread });
    this.#statements.set(file, (this.#statements.get(file) ?? 0) + statements);
    this.#ask({ script, lines }, this.#drafts);
    if (createdBefore.length > 0 && this.#waived.has(file))
      this.#ask({ script: onTablesInUse(script), lines }, this.#elsewhere);
  }

  #ask(read: { readonly script: Script; readonly lines: Lines }, drafts: Draft[]): void {
    for (const rule of RULES)
      for (const hit of rule.check?.(read.script, { server: this.#input.server }) ?? [])
        this.#hit({ rule: rule.id, level: rule.level, hint: rule.safer, ...hit }, read, drafts);
  }

  #hit(
    hit: { rule: string; level: Level | "off"; at: number; message: string; hint: string | null },
    { script, lines }: { readonly script: Script; readonly lines: Lines },
    drafts: Draft[],
  ): void {
    const { at, ...rest } = hit;
    const statement = statementAt(script, at);
    const end = statement === undefined || statement.end < at ? at : statement.end;
    drafts.push({
      ...rest,
      ...{ revision: script.migration.id, direction: script.direction, file: script.file },
      ...lines.at(at),
      endLine: lines.lineOf(end),
    });
  }

  #readModule(migration: Migration): void {
    const { file, id: revision } = migration;
    const what = "the statements of a module, which are known when it runs";
    this.#notUnderstood.push({ file, line: 1, what });
    const text = this.#fileText(file);
    if (text === null) return;
    this.#waived.addModule(file, text);
    const lines = linesOf(text, 1);
    for (const { checkModule, id: rule, level, safer } of RULES)
      for (const { at, message, hint = safer } of checkModule?.({ file, text }) ?? []) {
        const place = lines.at(at);
        const found = { rule, level, message, hint, revision, direction: null, file };
        this.#drafts.push({ ...found, ...place, endLine: place.line });
      }
  }

  /** `null`: there is no such file, as in a bundle. */
  #fileText(file: string): string | null {
    try {
      return readText(join(this.#input.source.folder, file), file);
    } catch {
      return null;
    }
  }

  checkFolder(): void {
    const { source, listing, now, chosen } = this.#input;
    const files = new Map(chosen.map((migration) => [migration.file, migration]));
    for (const { checkFolder, id: rule, level, safer: hint } of RULES)
      for (const { file, message } of checkFolder?.({ source, listing, now }) ?? []) {
        const migration = files.get(file);
        if (migration === undefined) continue;
        const found = { rule, level, message, hint, revision: migration.id, direction: null, file };
        this.#drafts.push({ ...found, line: 1, column: 1, endLine: 1, excerpt: null });
      }
  }

  async askSquawk(): Promise<LintReport["squawk"]> {
    const { root, server, signal, levels } = this.#input;
    const include = SQUAWK_RULES.flatMap(({ id, optIn }) => {
      const level = levels[PREFIX + id];
      return optIn === true && level !== undefined && level !== "off" ? [id] : [];
    });
    const scripts = this.#scripts.map(({ script }) => script);
    const answer = await askSquawk(scripts, { root, server, include, signal });
    if (!answer.used) return answer;
    for (const [index, { hits, unread }] of answer.readings.entries()) {
      const read = this.#scripts[index];
      if (read === undefined) continue;
      for (const hit of hits) this.#hit(hit, read, this.#drafts);
      const { file } = read.script;
      for (const start of unread)
        this.#notUnderstood.push({
          ...{ file, line: read.lines.lineOf(start) },
          what: "a statement that Squawk does not parse",
        });
    }
    return { used: true };
  }

  report(): Omit<LintReport, "squawk"> & { readonly read: WhatWasRead } {
    const levelOf = ({ rule, level }: Draft) => this.#input.levels[rule] ?? level;
    const graded = (draft: Draft): LintFinding[] => {
      const level = levelOf(draft);
      return level === "off" ? [] : [{ ...draft, level }];
    };
    const [left, waived]: [LintFinding[], LintFinding[]] = [[], []];
    for (const finding of this.#drafts.flatMap(graded))
      (this.#waived.takes(finding) ? waived : left).push(finding);
    for (const finding of this.#elsewhere.flatMap(graded)) this.#waived.takes(finding);
    const remarks = this.#waived.remarks(isRule).flatMap((remark): LintFinding[] => {
      const row = REMARKS.find(({ id }) => id === remark.rule);
      const level = this.#input.levels[remark.rule] ?? row?.level ?? "warning";
      return level === "off" ? [] : [{ ...remark, level }];
    });
    const revisions = this.#input.chosen.map(({ id }) => id);
    return {
      files: revisions.length,
      statements: [...this.#statements.values()].reduce((sum, each) => sum + each, 0),
      notUnderstood: this.#notUnderstood,
      findings: sorted([...left, ...remarks]),
      waived: waived.length,
      read: { revisions, statements: this.#statements, waived },
    };
  }
}

/** By place in the folder's order of names, then by gravity. */
export function sorted(findings: readonly LintFinding[]): readonly LintFinding[] {
  return findings.toSorted(
    (one, other) =>
      one.file.localeCompare(other.file, "en", { numeric: true }) ||
      one.line - other.line ||
      one.column - other.column ||
      LEVELS.indexOf(one.level) - LEVELS.indexOf(other.level),
  );
}
