/** Statements of pg-delta that do nothing, left out. Pure. */
import type { SchemaSnapshot } from "../schema/snapshot.ts";
import type { DiffStatement } from "./statement.ts";

const DROPS_DEFAULT = /^ALTER TABLE (.+) ALTER COLUMN (.+) DROP DEFAULT$/s;

/** Before each change of a type pg-delta drops the default, also where there is none. */
export function tidy(
  statements: readonly DiffStatement[],
  { objects }: SchemaSnapshot,
): readonly DiffStatement[] {
  const withDefault = new Set(
    objects
      .filter(({ kind, attributes }) => kind === "column" && attributes.default !== undefined)
      .map(({ name }) => unquoted(name)),
  );
  return statements.filter(({ text }, at) => {
    const [, table, column] = DROPS_DEFAULT.exec(text) ?? [];
    if (table !== undefined) return withDefault.has(unquoted(`${table}.${column}`));
    return statements.findIndex((other) => other.text === text) === at || !text.includes("REPLICA IDENTITY");
  });
}

/** One way to write a name: quotes are only where they are needed. */
function unquoted(name: string): string {
  return name.replace(/"([a-z_][a-z0-9_]*)"/g, "$1");
}
