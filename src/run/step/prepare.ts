/** Reads and analyses every planned file before the first one runs, so that a broken one stops nothing half-way. */
import type { History } from "../../core/history.ts";
import type { Migration, MigrationSettings } from "../../core/migration.ts";
import type { Step } from "../../core/plan.ts";
import { analyse } from "../../core/sql/analyse.ts";
import { ambiguousBackslash } from "../../core/sql/backslashes.ts";
import { classify, isTransactional, type StatementKind } from "../../core/sql/classify.ts";
import { excerptAt } from "../../core/sql/secrets.ts";
import { splitStatements } from "../../core/sql/statements.ts";
import {
  lateSessionModes,
  leadingModes,
  readOnlyStatement,
  sessionModes,
  type TransactionModes,
} from "../../core/sql/transaction-modes.ts";
import { blanked, transactionUnits, type Unit } from "../../core/sql/units.ts";
import { GodwitError, type Place, type Problem, SourceError } from "../../errors.ts";
import { problemOf } from "../../source/problems.ts";
import type { Content, Source } from "../../source/source.ts";
import { codePointOffset, locate } from "../../std/text.ts";

export interface Prepared {
  readonly step: Step;
  readonly migration: Migration | null;
  readonly settings: MigrationSettings;
  /** How it will be carried out. */
  readonly form: "transaction" | "statements" | "module" | "module-outside";
  /** Why it does not run in one transaction, for people. */
  readonly because: string | null;
  readonly load: () => Promise<Body>;
  readonly problem: Problem | null;
}

export type Body =
  | {
      readonly kind: "sql";
      readonly text: string;
      /** As it lies there, where that is not what is run. */
      readonly written?: string | undefined;
      readonly file: string;
      readonly line: number;
      readonly settings?: MigrationSettings | undefined;
      /** The file begins and ends transactions itself: what it does in each, in order. */
      readonly units?: readonly Unit[] | undefined;
      /** How its transaction begins, where the text chooses that. */
      readonly modes?: TransactionModes | undefined;
      /** Of these, those that the text gives to its transaction itself, and not to its session. */
      readonly ownModes?: TransactionModes | undefined;
      readonly revert: string | null;
    }
  | (Content & { readonly kind: "module" });

export interface SplitStatement {
  readonly text: string;
  readonly kind: StatementKind;
  /** Line in the file, from 1. */
  readonly line: number;
  /** Where it starts in the body, in UTF-16 units. */
  readonly start: number;
  /** Several statements, which the file has put into one transaction. */
  readonly several?: boolean | undefined;
  /** How its transaction begins, where the text chooses that. */
  readonly modes?: TransactionModes | undefined;
}

/** Texts up to this many bytes in all are kept between looking and running; beyond, files are read again. */
const KEEP_BYTES = 8 * 1024 * 1024;

export interface PrepareInput {
  readonly steps: readonly Step[];
  readonly migrations: ReadonlyMap<string, Migration>;
  readonly source: Source;
  readonly history: History;
}

/** Never throws for a broken migration: such a one is returned with its `problem`. */
export async function prepareSteps(input: PrepareInput): Promise<readonly Prepared[]> {
  let kept = 0;
  const prepared: Prepared[] = [];
  for (const step of input.steps) {
    const migration = input.migrations.get(step.revision) ?? null;
    const load = () => loadBody(input, step, migration);
    const base = { step, migration, settings: migration?.settings ?? {} };
    try {
      const problem = migration && problemOf(migration, step.direction);
      if (problem != null) throw new SourceError([problem]);
      const body = await load();
      if (body.kind === "module") {
        const outside = base.settings.transaction === false;
        prepared.push({
          ...base,
          form: outside ? "module-outside" : "module",
          because: outside ? "the module says so" : null,
          load,
          problem: null,
        });
        continue;
      }
      const settings = body.settings ?? base.settings;
      const because =
        whyOutside(body, settings) ?? (step.reason === "resume" ? "an earlier run began it so" : null);
      kept += body.text.length;
      const keep = kept <= KEEP_BYTES;
      prepared.push({
        ...base,
        settings,
        form: because === null ? "transaction" : "statements",
        because,
        load: keep ? () => Promise.resolve(body) : load,
        problem: null,
      });
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      prepared.push({ ...base, form: "transaction", because: null, load, problem: error.toProblem() });
    }
  }
  return prepared;
}

export function statementsOf(body: Body & { kind: "sql" }): readonly SplitStatement[] {
  let session: TransactionModes = {};
  const lineOf = ({ line }: { line: number }) => body.line + line - 1;
  const modesFor = (text: string, own: TransactionModes | undefined) => {
    const modes = { ...session, ...own };
    if (/transaction|reset/i.test(text))
      session = splitStatements(text).reduce((known, one) => sessionModes(known, one.text), session);
    return modes;
  };
  if (body.units !== undefined)
    return body.units.map(({ text, kind, start, several, line, modes }) => ({
      ...{ text, kind, start, several, modes: modesFor(text, modes) },
      line: lineOf({ line }),
    }));
  return splitStatements(body.text).map((statement) => ({
    text: statement.text,
    kind: classify(statement),
    line: lineOf(statement),
    start: statement.start,
    modes: modesFor(statement.text, body.ownModes),
  }));
}

/** Where a statement begins; its column only where something stands in front of it on its line. */
export function startOf(
  body: { text: string; file: string; line: number },
  { start, line }: Pick<SplitStatement, "start" | "line">,
): { readonly line: number; readonly column: number | undefined } {
  const before = body.text.slice(body.text.lastIndexOf("\n", start - 1) + 1, start);
  if (start === 0 || before.trim() === "") return { line, column: undefined };
  return { line, column: placeOf(body, codePointOffset(body.text, start) + 1).column };
}

/** The place of a character (from 1, as PostgreSQL counts) of a text that starts on some line of a file. */
export function placeOf(body: { text: string; file: string; line: number }, position: number): Place {
  const { line, column } = locate(body.text, position, { firstLine: body.line });
  return { file: body.file, line, column, excerpt: excerptAt(body.text, position, { firstLine: body.line }) };
}

async function loadBody(input: PrepareInput, step: Step, migration: Migration | null): Promise<Body> {
  if (migration === null || (step.direction === "down" && !migration.revertible)) {
    const script = input.history.entries.find((entry) => entry.revision === step.revision)?.revertScript;
    if (script == null) throw new SourceError([gone(step)]);
    const body: Body = {
      kind: "sql",
      text: script,
      file: `${step.revision} (revert script in the ledger)`,
      line: 1,
      revert: null,
    };
    return input.source.layout === "plain" ? withModes(body) : withUnits(body);
  }
  const content = await input.source.read(migration, step.direction);
  if (content.kind === "module") return content;
  const down =
    step.direction === "up" && migration.revertible ? await input.source.read(migration, "down") : null;
  const { ownTransactions, ...rest } = content;
  const body = { ...rest, revert: down?.kind === "sql" ? down.text : null };
  return ownTransactions === true ? withUnits(body) : withModes(body);
}

/** A `SET TRANSACTION` in front of everything else: what it asks for goes into our `BEGIN`. */
function withModes(body: Body & { kind: "sql" }): Body {
  if (!/transaction/i.test(body.text)) return body;
  const statements = splitStatements(body.text);
  refuseReadOnly(body, readOnlyStatement(statements));
  const { modes: ownModes, session, said } = leadingModes(statements);
  const modes = { ...session, ...ownModes };
  if (said.length === 0) return { ...body, modes };
  return { ...body, text: blanked(body.text, said), written: body.written ?? body.text, modes, ownModes };
}

function refuseReadOnly(
  body: Body & { kind: "sql" },
  statement: { text: string; start: number } | null,
): void {
  if (statement === null) return;
  refuse(
    "SOURCE_TRANSACTION_CONTROL",
    `${body.file} asks for a read-only transaction (${statement.text.replace(/\s+/g, " ").slice(0, 80)}), in which its ledger row cannot be written.`,
    placeOf(body, codePointOffset(body.text, statement.start) + 1),
    "Remove READ ONLY: the isolation level alone is kept.",
  );
}

/** A text with transactions of its own: if one is all, it runs in ours; else one after the other. */
function withUnits(body: Body & { kind: "sql" }): Body {
  if (analyse(body.text).transactionControl === null) return withModes(body);
  const { text, units, refused, readOnly } = transactionUnits(body.text);
  refuseReadOnly(body, readOnly);
  if (refused !== null)
    refuse(
      "SOURCE_TRANSACTION_CONTROL",
      `${body.file} contains ${refused.text.replace(/\s+/g, " ").toUpperCase()}, which cannot be carried out for it.`,
      placeOf(body, codePointOffset(body.text, refused.start) + 1),
      "Begin and end transactions with BEGIN and COMMIT, or not at all.",
    );
  const single = units.length <= 1 && units.every(({ kind }) => isTransactional(kind));
  const whole = { ...body, text, written: body.text };
  return single ? { ...whole, modes: units[0]?.modes, ownModes: units[0]?.modes } : { ...whole, units };
}

/** Null: one transaction. Throws `SourceError` for what can be run in no way at all. */
function whyOutside(body: Body & { kind: "sql" }, settings: MigrationSettings): string | null {
  const found = analyse(body.text);
  const at = (offset: number) => placeOf(body, codePointOffset(body.text, offset) + 1);
  const verb = (statement: { text: string }) =>
    statement.text.split(/\s+/, 3).join(" ").toUpperCase().replace(/;.*$/s, "");
  const backslash = ambiguousBackslash(body.text);
  if (backslash !== null)
    refuse(
      "SOURCE_PARSE",
      `${body.file} turns standard_conforming_strings off, and a literal behind that has a backslash: whether it escapes depends on how the file is sent.`,
      at(backslash),
      "Write E'…' where a backslash escapes, and take the SET out.",
    );
  if (found.unterminated !== null)
    refuse(
      "SOURCE_PARSE",
      `${body.file}: ${found.unterminated.what} is never closed.`,
      at(found.unterminated.offset),
      "Close it; what stands behind it was taken for a part of it.",
    );
  if (found.transactionControl !== null)
    refuse(
      "SOURCE_TRANSACTION_CONTROL",
      `${body.file} contains ${verb(found.transactionControl)}: a migration must not begin or end transactions itself.`,
      at(found.transactionControl.start),
      settings.transaction === false
        ? "Remove it: with transaction=off every statement is committed by itself. For some of them in one transaction: a migration of their own."
        : "Remove it: every migration runs in a transaction of its own. For statements outside of one: -- godwit: transaction=off",
    );
  if (found.copyFromStdin !== null)
    refuse(
      "SOURCE_COPY_FROM_STDIN",
      `${body.file} contains COPY … FROM STDIN, whose rows only psql can send.`,
      at(found.copyFromStdin.start),
      "Use INSERT statements (pg_dump --inserts writes them), or a TypeScript migration.",
    );
  if (found.psqlCommand !== null)
    refuse(
      "SOURCE_PSQL_COMMAND",
      `${body.file} contains the psql command ${found.psqlCommand.text.split(/\s/, 1)[0]}.`,
      at(found.psqlCommand.start),
      "Only SQL reaches the server: replace the command by SQL, or remove the line.",
    );
  const because = whyStatements(body, settings, found);
  if (because === null) refuseLateSession(body);
  if (because === null || body.units !== undefined || body.ownModes === undefined) return because;
  const said = leadingModes(splitStatements(body.written ?? "")).said[0];
  if (said === undefined || Object.keys(body.ownModes).length === 0) return because;
  return refuse(
    "SOURCE_TRANSACTION_CONTROL",
    `${body.file} contains ${verb(said)}, but it does not run in one transaction: ${because}.`,
    at(said.start),
    "Remove it, or put what needs that isolation into a migration of its own.",
  );
}

/** One that a file sets for its session when its one transaction has begun would do nothing. */
function refuseLateSession(body: Body & { kind: "sql" }): void {
  if (!/default_transaction_isolation|\bcharacteristics\b/i.test(body.text)) return;
  // With a BEGIN of its own it means the transactions behind that, of which there are none.
  if (analyse(body.written ?? "").transactionControl !== null) return;
  const late = lateSessionModes(splitStatements(body.text));
  if (late === null) return;
  refuse(
    "SOURCE_TRANSACTION_CONTROL",
    `${body.file} contains ${late.text.replace(/\s+/g, " ").slice(0, 80).toUpperCase()} behind a query: its one transaction has begun, and keeps the isolation level that it has.`,
    placeOf(body, codePointOffset(body.text, late.start) + 1),
    "Put it in front of all other statements, or what needs it into a migration of its own.",
  );
}

function whyStatements(
  body: Body & { kind: "sql" },
  settings: MigrationSettings,
  found: ReturnType<typeof analyse>,
): string | null {
  const lineOf = (offset: number) => placeOf(body, codePointOffset(body.text, offset) + 1).line;
  if (body.units !== undefined) return "the file begins and ends transactions itself";
  if (settings.transaction === false) return "the file says transaction=off";
  if (settings.transaction === true) return null;
  if (found.outside !== null)
    return `line ${lineOf(found.outside.start)}: ${whatIs(found.outside.kind)} cannot run inside a transaction`;
  if (found.usesNewEnumValue !== null)
    return `line ${lineOf(found.usesNewEnumValue.start)} uses the enum value that this file adds`;
  return null;
}

function refuse(code: Problem["code"], message: string, place: Place, hint?: string): never {
  throw new SourceError([{ code, message, place, hint }]);
}

function whatIs(kind: StatementKind): string {
  switch (kind.kind) {
    case "create-index-concurrently":
      return "CREATE INDEX CONCURRENTLY";
    case "drop-index-concurrently":
      return "DROP INDEX CONCURRENTLY";
    case "reindex-concurrently":
      return "REINDEX CONCURRENTLY";
    case "detach-partition-concurrently":
      return "DETACH PARTITION CONCURRENTLY";
    case "repeatable-outside":
    case "outside":
    case "commits-itself":
      return kind.verb;
    default:
      return "this statement";
  }
}

function gone(step: Step): Problem {
  return {
    code: "SOURCE_FILE_UNREADABLE",
    message: `${step.revision} has no file any more, and the ledger kept no way back for it.`,
    hint: "Restore the file from version control.",
  };
}
