/**
 * Alembic: `alembic_version (version_num)`, which holds the heads and not the history. The applied set is everything
 * that can be reached from them by `down_revision` or `depends_on`. After each step the table lists the applied
 * revisions that no other applied one refers to. Alembic itself leaves a superfluous row at times: it is read, and never
 * written.
 *
 * Alembic's files are programs. You can mirror a folder of ours with the same ids, in which `revises` and `depends` say
 * what Alembic's own files say.
 */
import type { Migration } from "../core/migration.ts";
import { reach } from "../core/order.ts";
import { createSchema, literal, stored, textArray } from "../core/sql/quote.ts";
import { withoutZeros } from "../core/version.ts";
import { isSpelledAs } from "./match.ts";
import {
  history,
  type Match,
  type MirroredStep,
  nameOf,
  type Parents,
  type Relation,
  selectText,
  TEXT,
  type Tool,
  type ToolHistory,
} from "./tool.ts";

export const alembic: Tool = {
  name: "alembic",
  title: "Alembic",
  table: "alembic_version",
  layouts: [],
  shape: { columns: { version_num: TEXT }, brand: /^alembic/i, loose: /version|migrat/i },
  select: (table) => selectText(table, ["version_num"], "order by 1"),
  read: (rows) =>
    history(
      rows.map(({ version_num }) => ({
        keys: [version_num ?? ""],
        name: version_num ?? "",
        checksum: null,
        at: null,
      })),
    ),
  match: closure,
  heads: (table) => `select version_num::text as head from ${nameOf(table)}`,
  writer: {
    create(_keys, at) {
      const table = {
        schema: at?.schema ?? "public",
        name: at?.name ?? "alembic_version",
        columns: { version_num: "character varying" },
        readable: true,
      };
      return {
        table,
        sql: `${createSchema(table.schema, table.name)}; create table if not exists ${nameOf(table)} (version_num varchar(32) not null, constraint ${table.name}_pkc primary key (version_num))`,
      };
    },
    present: (table, { revision }) => `select from ${nameOf(table)} where version_num = ${literal(revision)}`,
    moved: (table, { ledger }, seen) =>
      `select from ${nameOf(table)} t where t.version_num <> all (${textArray(seen)}) and not exists (select from ${ledger} h where h.revision = t.version_num)`,
    implied: impliedIn,
    // Where our ledger has forgotten one in between, the files still say what is below it.
    up: (table, step) =>
      `with recursive below (revision) as (select unnest(parents) from ${step.ledger} where revision = ${stored(step.revision)}
    union select unnest(h.parents) from ${step.ledger} h join below b on b.revision = h.revision)
delete from ${nameOf(table)} where version_num in (select revision from below) or version_num = any (${textArray(step.around?.().below ?? [])});
insert into ${nameOf(table)} (version_num) select ${literal(step.revision)} where not exists (${impliedIn(table, step)})`,
    /** Our ledger's row is gone by now. What was below it, and is below nothing else, becomes a head. */
    down: (table, { revision, ledger }) =>
      `delete from ${nameOf(table)} where version_num = ${literal(revision)};
insert into ${nameOf(table)} (version_num) select h.revision from ${ledger} h
  where h.kind <> 'repeatable' and not exists (select from ${ledger} o where h.revision = any (o.parents) and o.kind <> 'repeatable')
  and not exists (select from ${nameOf(table)} t where t.version_num = h.revision)`,
    /** What was directly below becomes a head only if this one was a head and nothing else in the table depends on it. */
    forget: (table, { revision, ledger, parents }) =>
      `with recursive below (revision) as (select unnest(h.parents) from ${ledger} h join ${nameOf(table)} t on t.version_num = h.revision where h.revision <> ${stored(revision)}
    union select unnest(h.parents) from ${ledger} h join below b on b.revision = h.revision)
insert into ${nameOf(table)} (version_num) select p from unnest(${textArray(parents)}) p
  where exists (select from ${nameOf(table)} t where t.version_num = ${literal(revision)})
  and not exists (select from below b where b.revision = p) and not exists (select from ${nameOf(table)} t where t.version_num = p);
delete from ${nameOf(table)} where version_num = ${literal(revision)}`,
    check(migrations) {
      const line = migrations.find(({ kind, revises }) => kind !== "repeatable" && revises === null);
      if (line === undefined) return null;
      return {
        code: "ADOPT_CONFLICT",
        message: `${line.id} does not say what it revises, so its place in Alembic's graph is not known.`,
        hint: "Write `-- godwit: revises=<revision>` into it, or `revises=none` for a base, as its file in Alembic says; or run without --mirror alembic.",
        place: { file: line.file },
      };
    },
  },
};

/**
 * A head without a file stands on what nobody here knows. What stands on a row is not below another one, because Alembic
 * keeps no two rows of which one is below the other.
 */
function closure(found: ToolHistory, migrations: readonly Migration[], parents: Parents = new Map()): Match {
  const byId = new Map(migrations.map((migration) => [migration.id, migration]));
  const below = (id: string) => {
    const migration = byId.get(id);
    return migration === undefined
      ? (parents.get(id) ?? [])
      : [...(migration.revises ?? []), ...migration.depends];
  };
  const rows = new Map(found.rows.map((row) => [idOf(row.name, migrations), row]));
  const applied = reach(rows.keys(), below);
  const reachedFrom = new Map([...rows.keys()].map((head) => [head, reach([head], below)]));
  const heads = (id: string) => [...reachedFrom].flatMap(([head, ids]) => (ids.has(id) ? [head] : []));
  const open = [...applied].filter((id) => !byId.has(id) && !parents.has(id));
  const versioned = migrations.filter(({ kind }) => kind !== "repeatable");
  const isGraph = versioned.some(({ revises }) => revises !== null);
  const standsOnRow = ({ id }: Migration) => [...reach([id], below)].some((one) => rows.has(one));
  const [above] = open;
  const unknown =
    above === undefined || !isGraph
      ? []
      : versioned
          .filter((one) => !applied.has(one.id) && !standsOnRow(one))
          .map(({ id }) => ({ id, above, isUnknown: true }) as const);
  return {
    applied: migrations
      .filter(({ id }) => applied.has(id))
      .map(({ id }) => {
        const row = rows.get(id);
        if (row !== undefined) return { id, row, edited: false };
        return { id, row: null, edited: false, implied: { by: heads(id), inLine: false, declared: true } };
      }),
    skipped: [],
    missing: [...rows].flatMap(([id, row]) => (byId.has(id) ? [] : [row])),
    unplaced: [...unknown, ...unplacedIn(versioned, applied, below)],
    open,
    isSame: isGraph || versioned.some(({ id }) => applied.has(id)),
    warnings: [],
  };
}

function idOf(revision: string, migrations: readonly Migration[]): string {
  if (migrations.some(({ id }) => id === revision)) return revision;
  const named = migrations.filter(({ id }) => namesOfHead(id).includes(revision));
  const spelled = named.length > 0 ? named : migrations.filter(({ id }) => isSpelledAs(id, revision));
  const isNumbered = spelled.length === 0 && isShortNumber(revision);
  const [one, another] = isNumbered
    ? migrations.filter(({ kind, number }) => kind !== "repeatable" && number === withoutZeros(revision))
    : spelled;
  return one === undefined || another !== undefined ? revision : one.id;
}

/** A revision that was numbered by hand, as `001`. Two projects often share one. */
export function isShortNumber(revision: string): boolean {
  return /^\d{1,7}$/.test(revision);
}

/**
 * The names that a head may have for this file: its own, and what is before a `_` in it. Alembic names a file after its
 * revision and a few words, as in `1975ea83b712_create_account`. Short numbers say too little.
 */
export function namesOfHead(id: string): readonly string[] {
  const starts = [...id.matchAll(/_/g)].map(({ index }) => id.slice(0, index));
  return [id, ...starts.filter((start) => !/^\d{0,7}$/.test(start))];
}

/** The row of a descendant: Alembic refuses a table in which rows overlap. */
function impliedIn(table: Relation, { revision, ledger, around }: MirroredStep): string {
  return `with recursive above (revision) as (select h.revision from ${ledger} h where ${stored(revision)} = any (h.parents)
    union select h.revision from ${ledger} h join above a on a.revision = any (h.parents))
select from ${nameOf(table)} t where t.version_num in (select revision from above) or t.version_num = any (${textArray(around?.().above ?? [])})`;
}

/** What may be below an applied file that does not say what it revises: all that does not stand on an applied one. */
function unplacedIn(
  versioned: readonly Migration[],
  applied: ReadonlySet<string>,
  below: (id: string) => readonly string[],
): NonNullable<Match["unplaced"]> {
  const silent = versioned.find(({ id, revises }) => applied.has(id) && revises === null);
  if (silent === undefined) return [];
  const standsOn = ({ id }: Migration) => [...reach([id], below)].some((one) => applied.has(one));
  return versioned.filter((one) => !standsOn(one)).map(({ id }) => ({ id, above: silent.id }));
}
