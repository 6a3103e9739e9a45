/** Whether a text can run in one transaction, and what no run can carry out at all. */
import type { MigrationSettings } from "../../core/migration.ts";
import { analyse } from "../../core/sql/analyse.ts";
import { ambiguousBackslash } from "../../core/sql/backslashes.ts";
import type { StatementKind } from "../../core/sql/classify.ts";
import { shownStatement } from "../../core/sql/shown.ts";
import { splitStatements } from "../../core/sql/statements.ts";
import { lateSessionModes, leadingModes } from "../../core/sql/transaction-modes.ts";
import { codePointOffset } from "../../std/text.ts";
import { type Body, placeOf } from "./body.ts";
import { refuse } from "./load-body.ts";

/**
 * The reason why the text can't run in one transaction; `null` if it can. Throws `SourceError` where it can't
 * run at all.
 */
export function whyOutside(body: Body & { kind: "sql" }, settings: MigrationSettings): string | null {
  const found = analyse(body.text);
  const at = (offset: number) => placeOf(body, codePointOffset(body.text, offset) + 1);
  const verb = (statement: { text: string }) =>
    shownStatement(statement.text.split(/\s+/, 3).join(" ")).replace(/;.*$/s, "");
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

/** A session setting behind the start of the file's one transaction would have no effect. */
function refuseLateSession(body: Body & { kind: "sql" }): void {
  if (!/default_transaction_isolation|\bcharacteristics\b/i.test(body.text)) return;
  // A file with a BEGIN of its own means the transactions behind that, and there are none.
  if (analyse(body.written ?? "").transactionControl !== null) return;
  const late = lateSessionModes(splitStatements(body.text));
  if (late === null) return;
  refuse(
    "SOURCE_TRANSACTION_CONTROL",
    `${body.file} contains ${shownStatement(late.text)} behind a query: its one transaction has begun, and keeps the isolation level that it has.`,
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
