/**
 * Checks an index that the server has called built: it must be there, be valid, and be the one that was asked
 * for.
 */
import type { Connection } from "../../database/connection.ts";
import { type Problem, StepFailed } from "../../errors.ts";
import { hasDefinitionOf, holderOf, indexesOn } from "./indexes.ts";
import { type JudgedStatement, resolve, type Snapshot } from "./snapshot.ts";

/**
 * Throws `StepFailed` unless the statement left a valid index. Returns a warning where IF NOT EXISTS has kept
 * another one.
 */
export async function verify(
  connection: Connection,
  { kind, text }: JudgedStatement,
  before: Snapshot | null,
): Promise<Problem | null> {
  if (kind.kind !== "create-index-concurrently" || kind.index === null) return null;
  const table = await resolve(connection, kind.table);
  const { name } = kind.index;
  const found = table === null ? [] : await indexesOn(connection, kind, table.oid);
  const valid = found.find((index) => index.valid);
  if (valid === undefined || table === null) {
    const holder = table === null || found.length > 0 ? null : await holderOf(connection, name, table.oid);
    throw holder === null
      ? invalidAfter(name)
      : nameIsTaken(name, holder.what, table?.name ?? kind.table.name);
  }
  const skipped = kind.ifNotExists && before?.indexes?.includes(valid.oid) === true;
  if (!skipped) return null;
  const same = await hasDefinitionOf(connection, { oid: valid.oid, table: table.name }, text);
  return same === false ? keptOther(valid.name) : null;
}

/** A warning, because the run itself did nothing wrong. */
export function keptOther(name: string): Problem {
  return {
    code: "STEP_INDEX_KEPT",
    message: `Index ${name} was there already with another definition, and IF NOT EXISTS has kept it.`,
    hint: `If the new one is wanted: drop index concurrently ${name}; and create it in a migration of its own.`,
  };
}

function invalidAfter(name: string): StepFailed {
  return new StepFailed({
    code: "STEP_INDEX_INVALID",
    message: `Index ${name} is not valid after CREATE INDEX CONCURRENTLY.`,
    hint: "Run again: the invalid index is dropped and built once more.",
  });
}

export function nameIsTaken(name: string, what: string, table: string): StepFailed {
  return new StepFailed({
    code: "STEP_INDEX_INVALID",
    message: `The name ${name} belongs to a${/^i/.test(what) ? "n" : ""} ${what}, so IF NOT EXISTS has made no index on ${table}.`,
    hint: "Give the index of this migration another name, then run again.",
  });
}
