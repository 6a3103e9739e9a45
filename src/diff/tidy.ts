/** Statements of pg-delta that do nothing or hold no address, left out, and others written as people write them. Pure. */

import type { SchemaSnapshot } from "../schema/snapshot.ts";
import { bareStatement } from "./change.ts";
import type { DiffStatement } from "./statement.ts";

const DROPS_DEFAULT = /^ALTER TABLE (.+) ALTER COLUMN (.+) DROP DEFAULT$/s;
const SUBSCRIPTION = /^(?:CREATE|ALTER|COMMENT ON) SUBSCRIPTION ("(?:[^"]|"")+"|\S+)/;
/** In place of an address, which may hold a password. */
const NO_ADDRESS = "__CONN_HOST__";
const GRANTS = /^GRANT .+? ON [A-Z ]+ ("?[^ ].*?)(?:\(.*\))? TO (\S+)$/s;
const REVOKES = /^REVOKE ALL ON (?:[A-Z]+ )+(\S.*) FROM ([a-z_][a-z0-9_$]*)$/s;
/** All that there are for a table. Which ones there are depends on the version. */
const ALL_OF_TABLE =
  /^GRANT DELETE, INSERT, (?:MAINTAIN, )?REFERENCES, SELECT, TRIGGER, TRUNCATE, UPDATE ON /;

export interface TidyOptions {
  /** Before the statements. */
  readonly snapshot: SchemaSnapshot;
  /** Who makes what the statements make, and so has every right on it. */
  readonly owner: string;
}

export function tidy(
  statements: readonly DiffStatement[],
  { snapshot, owner }: TidyOptions,
): readonly DiffStatement[] {
  const withDefault = new Set(
    snapshot.objects
      .filter(({ kind, attributes }) => kind === "column" && attributes.default !== undefined)
      .map(({ name }) => bareStatement(name)),
  );
  const made: string[] = [];
  const unaddressed = statements
    .filter(({ text }) => text.includes(NO_ADDRESS))
    .map(({ text }) => SUBSCRIPTION.exec(text)?.[1]);
  return statements
    .filter(({ text }, at) => {
      // Left out, so that it is missing at the end and is named.
      const [, subscription] = SUBSCRIPTION.exec(text) ?? [];
      if (subscription !== undefined && unaddressed.includes(subscription)) return false;
      const bare = bareStatement(text);
      if (bare.startsWith("CREATE ")) made.push(bare);
      // Before each change of a type pg-delta drops the default, also where there is none.
      const [, table, column] = DROPS_DEFAULT.exec(bare) ?? [];
      if (table !== undefined) return withDefault.has(`${table}.${column}`);
      const [, object, who] = GRANTS.exec(bare) ?? [];
      if (object !== undefined && who === bareStatement(owner) && !bare.includes(" WITH GRANT OPTION"))
        return !made.some((create) => creates(create, object));
      const [, kept, whom] = REVOKES.exec(bare) ?? [];
      if (kept !== undefined && whom !== undefined) return mayHold(snapshot, kept, whom);
      return (
        statements.findIndex((other) => other.text === text) === at || !text.includes("REPLICA IDENTITY")
      );
    })
    .map((statement) => ({
      ...statement,
      text: statement.text.replace(/[;\s]+$/, "").replace(ALL_OF_TABLE, "GRANT ALL ON "),
    }));
}

/** `false`: it is there, and the role has no privilege on it or a part of it. pg-delta revokes before it grants. */
function mayHold({ objects }: SchemaSnapshot, name: string, role: string): boolean {
  const own = objects.filter((object) => bareStatement(object.name) === name);
  const parts = objects.filter(({ parents }) =>
    parents.some((parent) => own.some(({ name: full }) => parent.endsWith(` ${full}`))),
  );
  return (
    own.length === 0 ||
    [...own, ...parts].some(({ attributes: { privileges, owner } }) => {
      const held = Array.isArray(privileges) ? privileges : [];
      return owner === role || held.some((entry) => entry.startsWith(`${role}: `));
    })
  );
}

function creates(statement: string, object: string): boolean {
  const at = statement.indexOf(` ${object}`);
  return at !== -1 && at < 60 && !/[\w$.]/.test(statement[at + object.length + 1] ?? " ");
}
