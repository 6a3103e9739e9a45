/**
 * What a statement means to a runner: whether it may run inside a transaction, and otherwise which objects show
 * whether it has run.
 */

import { readIndexAfterCreate } from "./create-index.ts";
import {
  accept,
  acceptGroup,
  acceptName,
  acceptRelation,
  acceptString,
  acceptSymbol,
  type Cursor,
  type Name,
  peek,
} from "./cursor.ts";
import { hasOption, isSwitchedOn } from "./statement-options.ts";

export type StatementKind =
  /** May run inside a transaction block. */
  | { readonly kind: "ordinary" }
  /** Starts or ends a transaction. Savepoints are ordinary. */
  | { readonly kind: "transaction-control"; readonly verb: string }
  | {
      readonly kind: "create-index-concurrently";
      /** In the schema of its table. `null` if the server chooses the name. */
      readonly index: Name | null;
      readonly table: Name;
      readonly unique: boolean;
      readonly ifNotExists: boolean;
    }
  | {
      readonly kind: "drop-index-concurrently";
      readonly indexes: readonly Name[];
      readonly ifExists: boolean;
    }
  | {
      readonly kind: "reindex-concurrently";
      readonly object: ReindexObject;
      /** `null` means the current database. */
      readonly name: Name | null;
    }
  | { readonly kind: "detach-partition-concurrently"; readonly table: Name; readonly partition: Name }
  /** Finishes a detach that was interrupted. This form may run inside a transaction block. */
  | { readonly kind: "detach-partition-finalize"; readonly table: Name; readonly partition: Name }
  /** May run inside a transaction block, but the new value cannot be used there. */
  | {
      readonly kind: "add-enum-value";
      readonly type: Name;
      readonly value: string;
      readonly ifNotExists: boolean;
    }
  /** Must run outside of transactions. Running it twice does no harm. */
  | { readonly kind: "repeatable-outside"; readonly verb: string }
  /** Must run outside of transactions. Running it twice fails or does harm. */
  | { readonly kind: "outside"; readonly verb: string; readonly name: Name | null }
  /** Commits by itself, so it runs outside of transactions. A failure undoes only what follows its last commit. */
  | { readonly kind: "commits-itself"; readonly verb: string }
  /** Expects data after it in the stream. */
  | { readonly kind: "copy-from-stdin"; readonly table: Name }
  /** `\connect`, `\i`, `\copy`, `\restrict`: commands of psql, which the server does not know. */
  | { readonly kind: "psql-command"; readonly command: string };

export type ReindexObject = "index" | "table" | "schema" | "database" | "system";

/**
 * Takes one statement as `splitStatements` returns it. A statement that it does not know, or that is not valid SQL, is
 * ordinary: the server then decides.
 */
export function classify(statement: { readonly text: string }): StatementKind {
  const { text } = statement;
  if (text.startsWith("\\")) return { kind: "psql-command", command: /^\\\S*/.exec(text)?.[0] ?? "\\" };
  const cursor: Cursor = { text, at: 0 };
  for (const [word, read] of READERS) if (accept(cursor, word)) return read(cursor) ?? ORDINARY;
  return ORDINARY;
}

/** Whether the server accepts it inside a transaction block that a runner has opened. */
export function isTransactional(kind: StatementKind): boolean {
  switch (kind.kind) {
    case "ordinary":
    case "detach-partition-finalize":
    case "add-enum-value":
    case "copy-from-stdin":
      return true;
    case "transaction-control":
    case "create-index-concurrently":
    case "drop-index-concurrently":
    case "reindex-concurrently":
    case "detach-partition-concurrently":
    case "repeatable-outside":
    case "outside":
    case "commits-itself":
    case "psql-command":
      return false;
  }
}

const ORDINARY: StatementKind = { kind: "ordinary" };

/** The first word of a statement, and the function that reads what follows. `null` means that the statement is ordinary. */
const READERS: readonly (readonly [string, (cursor: Cursor) => StatementKind | null])[] = [
  ["create", readCreate],
  ["alter", readAlter],
  ["drop", readDrop],
  ["copy", readCopy],
  ["reindex", readReindex],
  ["vacuum", () => repeatable("VACUUM")],
  ["cluster", readCluster],
  ["repack", readRepack],
  ["discard", (cursor) => (accept(cursor, "all") ? outside("DISCARD ALL") : null)],
  ["begin", (cursor) => (accept(cursor, "atomic") ? null : control("BEGIN"))],
  ["start", (cursor) => (accept(cursor, "transaction") ? control("START TRANSACTION") : null)],
  ["commit", (cursor) => control(accept(cursor, "prepared") ? "COMMIT PREPARED" : "COMMIT")],
  ["end", () => control("END")],
  ["abort", () => control("ABORT")],
  ["rollback", readRollback],
  ["prepare", readPrepare],
  ["do", readDo],
];

function control(verb: string): StatementKind {
  return { kind: "transaction-control", verb };
}

function repeatable(verb: string): StatementKind {
  return { kind: "repeatable-outside", verb };
}

function outside(verb: string, name: Name | null = null): StatementKind {
  return { kind: "outside", verb, name };
}

function readRollback(cursor: Cursor): StatementKind | null {
  if (accept(cursor, "prepared")) return control("ROLLBACK PREPARED");
  if (!accept(cursor, "work")) accept(cursor, "transaction");
  return accept(cursor, "to") ? null : control("ROLLBACK");
}

/** `PREPARE transaction AS …` is different: it prepares a statement with that name. */
function readPrepare(cursor: Cursor): StatementKind | null {
  return accept(cursor, "transaction") && acceptString(cursor) !== null
    ? control("PREPARE TRANSACTION")
    : null;
}

/** Finds a block whose text has a `COMMIT` or `ROLLBACK` where a PL/pgSQL statement begins. */
function readDo(cursor: Cursor): StatementKind | null {
  for (let token = peek(cursor); token !== null; token = peek(cursor)) {
    const body = acceptString(cursor);
    if (body !== null)
      return endsTransaction(body) ? { kind: "commits-itself", verb: "DO with COMMIT" } : null;
    cursor.at = token.end;
  }
  return null;
}

const BEFORE_STATEMENT = /^(?:;|>>|begin|then|else|loop)$/i;

function endsTransaction(body: string): boolean {
  const cursor: Cursor = { text: body, at: 0 };
  let before = ";";
  for (let token = peek(cursor); token !== null; token = peek(cursor)) {
    if (BEFORE_STATEMENT.test(before) && (accept(cursor, "commit") || accept(cursor, "rollback"))) {
      if (acceptSymbol(cursor, ";") || accept(cursor, "and")) return true;
    }
    before = body.slice(token.start, token.end);
    cursor.at = token.end;
  }
  return false;
}

function readCreate(cursor: Cursor): StatementKind | null {
  for (const object of ["database", "tablespace", "subscription"]) {
    if (accept(cursor, object)) return outside(`CREATE ${object.toUpperCase()}`, acceptName(cursor));
  }
  const found = readIndexAfterCreate(cursor);
  if (found === null || !found.concurrently) return null;
  const { concurrently: _, only: __, ...index } = found;
  return { kind: "create-index-concurrently", ...index };
}

function readDrop(cursor: Cursor): StatementKind | null {
  for (const object of ["database", "tablespace", "subscription"]) {
    if (!accept(cursor, object)) continue;
    accept(cursor, "if", "exists");
    return outside(`DROP ${object.toUpperCase()}`, acceptName(cursor));
  }
  if (!accept(cursor, "index", "concurrently")) return null;
  const ifExists = accept(cursor, "if", "exists");
  const indexes: Name[] = [];
  do {
    const name = acceptName(cursor);
    if (name === null) return null;
    indexes.push(name);
  } while (acceptSymbol(cursor, ","));
  return { kind: "drop-index-concurrently", indexes, ifExists };
}

function readAlter(cursor: Cursor): StatementKind | null {
  if (accept(cursor, "system")) return repeatable("ALTER SYSTEM");
  if (accept(cursor, "table")) return readDetach(cursor);
  if (accept(cursor, "type")) return readAddValue(cursor);
  if (accept(cursor, "database")) {
    const name = acceptName(cursor);
    return accept(cursor, "set", "tablespace") ? outside("ALTER DATABASE SET TABLESPACE", name) : null;
  }
  return accept(cursor, "subscription") ? readAlterSubscription(cursor) : null;
}

function readDetach(cursor: Cursor): StatementKind | null {
  accept(cursor, "if", "exists");
  const table = acceptRelation(cursor);
  if (table === null || !accept(cursor, "detach", "partition")) return null;
  const partition = acceptName(cursor);
  if (partition === null) return null;
  if (accept(cursor, "concurrently")) return { kind: "detach-partition-concurrently", table, partition };
  return accept(cursor, "finalize") ? { kind: "detach-partition-finalize", table, partition } : null;
}

function readAddValue(cursor: Cursor): StatementKind | null {
  const type = acceptName(cursor);
  if (type === null || !accept(cursor, "add", "value")) return null;
  const ifNotExists = accept(cursor, "if", "not", "exists");
  const value = acceptString(cursor);
  return value === null ? null : { kind: "add-enum-value", type, value, ifNotExists };
}

/** The forms that contact the publisher. The other forms only write to the catalog. */
function readAlterSubscription(cursor: Cursor): StatementKind | null {
  const name = acceptName(cursor);
  if (accept(cursor, "refresh")) return outside("ALTER SUBSCRIPTION REFRESH", name);
  for (const verb of ["set", "add", "drop"]) {
    if (accept(cursor, verb, "publication")) {
      return outside(`ALTER SUBSCRIPTION ${verb.toUpperCase()} PUBLICATION`, name);
    }
  }
  const options = accept(cursor, "set") ? acceptGroup(cursor) : null;
  if (options === null || (!hasOption(options, "failover") && !hasOption(options, "two_phase"))) return null;
  return outside("ALTER SUBSCRIPTION SET", name);
}

function readReindex(cursor: Cursor): StatementKind | null {
  const options = acceptGroup(cursor);
  const object = REINDEX_OBJECTS.find((word) => accept(cursor, word));
  if (object === undefined) return null;
  if (accept(cursor, "concurrently") || (options !== null && isSwitchedOn(options, "concurrently"))) {
    return { kind: "reindex-concurrently", object, name: acceptName(cursor) };
  }
  return object === "index" || object === "table" ? null : repeatable(`REINDEX ${object.toUpperCase()}`);
}

const REINDEX_OBJECTS: readonly ReindexObject[] = ["index", "table", "schema", "database", "system"];

/** Without a table it processes all tables, each in its own transaction. */
function readCluster(cursor: Cursor): StatementKind | null {
  if (acceptGroup(cursor) === null) accept(cursor, "verbose");
  return peek(cursor) === null ? repeatable("CLUSTER") : null;
}

/**
 * `REPACK` of PostgreSQL 19: without a table it processes all tables, each in its own transaction, and with
 * `CONCURRENTLY` it commits in between.
 */
function readRepack(cursor: Cursor): StatementKind | null {
  const options = acceptGroup(cursor);
  if (options !== null && isSwitchedOn(options, "concurrently")) return repeatable("REPACK (CONCURRENTLY)");
  return peek(cursor) === null ? repeatable("REPACK") : null;
}

/** The server treats `FROM STDOUT` like `FROM STDIN`. */
function readCopy(cursor: Cursor): StatementKind | null {
  accept(cursor, "binary");
  const table = acceptName(cursor);
  if (table === null) return null;
  acceptGroup(cursor);
  const fromClient = accept(cursor, "from", "stdin") || accept(cursor, "from", "stdout");
  return fromClient ? { kind: "copy-from-stdin", table } : null;
}
