/** Reads and analyses every planned file before the first one runs, so that a broken one stops nothing half-way. */
import type { History } from "../core/history.ts";
import type { Migration, MigrationSettings } from "../core/migration.ts";
import type { Step } from "../core/plan.ts";
import { analyse } from "../core/sql/analyse.ts";
import { classify, isTransactional, type StatementKind } from "../core/sql/classify.ts";
import { splitStatements } from "../core/sql/statements.ts";
import { transactionUnits, type Unit } from "../core/sql/units.ts";
import { GodwitError, type Place, type Problem, SourceError } from "../errors.ts";
import type { Content, Source } from "../source/source.ts";
import { codePointOffset, locate } from "../std/text.ts";

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
      if (migration?.problem !== undefined) throw new SourceError([migration.problem]);
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
  const lineOf = ({ line }: { line: number }) => body.line + line - 1;
  if (body.units !== undefined)
    return body.units.map(({ text, kind, start, several, line }) => ({
      ...{ text, kind, start, several },
      line: lineOf({ line }),
    }));
  return splitStatements(body.text).map((statement) => ({
    text: statement.text,
    kind: classify(statement),
    line: lineOf(statement),
    start: statement.start,
  }));
}

/** The place of a character (from 1, as PostgreSQL counts) of a text that starts on some line of a file. */
export function placeOf(body: { text: string; file: string; line: number }, position: number): Place {
  const found = locate(body.text, position, { firstLine: body.line });
  return { file: body.file, line: found.line, column: found.column, excerpt: found.excerpt };
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
    return input.source.layout === "plain" ? body : withUnits(body);
  }
  const content = await input.source.read(migration, step.direction);
  if (content.kind === "module") return content;
  const down =
    step.direction === "up" && migration.revertible ? await input.source.read(migration, "down") : null;
  const { ownTransactions, ...rest } = content;
  const body = { ...rest, revert: down?.kind === "sql" ? down.text : null };
  return ownTransactions === true ? withUnits(body) : body;
}

/** A text with transactions of its own: if one is all, it runs in ours; else one after the other. */
function withUnits(body: Body & { kind: "sql" }): Body {
  if (analyse(body.text).transactionControl === null) return body;
  const { text, units, refused } = transactionUnits(body.text);
  if (refused !== null)
    refuse(
      "SOURCE_TRANSACTION_CONTROL",
      `${body.file} contains ${refused.text.replace(/\s+/g, " ").toUpperCase()}, which cannot be carried out for it.`,
      placeOf(body, codePointOffset(body.text, refused.start) + 1),
      "Begin and end transactions with BEGIN and COMMIT, or not at all.",
    );
  const single = units.length <= 1 && units.every(({ kind }) => isTransactional(kind));
  return single ? { ...body, text, written: body.text } : { ...body, text, written: body.text, units };
}

/** Null: one transaction. Throws `SourceError` for what can be run in no way at all. */
function whyOutside(body: Body & { kind: "sql" }, settings: MigrationSettings): string | null {
  const found = analyse(body.text);
  const at = (offset: number) => placeOf(body, codePointOffset(body.text, offset) + 1);
  const verb = (statement: { text: string }) =>
    statement.text.split(/\s+/, 3).join(" ").toUpperCase().replace(/;.*$/s, "");
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
      "Remove it: every migration runs in a transaction of its own. For statements outside of one: -- godwit: transaction=off",
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
  if (body.units !== undefined) return "the file begins and ends transactions itself";
  if (settings.transaction === false) return "the file says transaction=off";
  if (settings.transaction === true) return null;
  if (found.outside !== null)
    return `line ${at(found.outside.start).line}: ${whatIs(found.outside.kind)} cannot run inside a transaction`;
  if (found.usesNewEnumValue !== null)
    return `line ${at(found.usesNewEnumValue.start).line} uses the enum value that this file adds`;
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
