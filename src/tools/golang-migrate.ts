/**
 * golang-migrate: `schema_migrations (version, dirty)` with one row, the number that the database is at. The tool
 * assumes that all files up to it ran, and nothing else is known. A file that was merged in below the number later never
 * ran, and nothing shows it.
 */
import { textArray } from "../core/sql/quote.ts";
import { keyOfGolangMigrate } from "./keys.ts";
import { rowWriter, versionOf } from "./row-writer.ts";
import {
  BOOLEAN,
  describeTable,
  failed,
  type HistoryWriter,
  history,
  INTEGER,
  nameOf,
  selectText,
  type Tool,
} from "./tool.ts";

export const golangMigrate: Tool = {
  name: "golang-migrate",
  title: "golang-migrate",
  table: "schema_migrations",
  layouts: ["golang-migrate", "updown"],
  shape: {
    columns: { version: INTEGER, dirty: BOOLEAN },
    brand: /^schema_migrations$/i,
    loose: /migrat|version|schema/i,
  },
  select: (table) => selectText(table, ["version", "dirty"], "order by t.version"),
  read(rows, table) {
    const [row] = rows;
    if (row === undefined) return history([]);
    const version = row.version ?? "";
    const dirty = failed(
      `golang-migrate failed at version ${version} and calls the database dirty (${describeTable(table)}).`,
      `Look at what of ${version} is in the database. Complete it by hand and say \`migrate force ${version}\`, or undo it and force the version before it.`,
    );
    return {
      ...history([{ keys: [version], name: version, checksum: null, at: null }]),
      problems: row.dirty === "true" ? [dirty] : [],
    };
  },
  match({ rows: [row] }, migrations) {
    const versionIn = ({ tool, number, id }: (typeof migrations)[number]) =>
      tool?.version ?? number ?? /^\d+/.exec(id)?.[0] ?? null;
    if (row === undefined) return { applied: [], skipped: [], missing: [], warnings: [] };
    const current = BigInt(row.name);
    const numbered = migrations.flatMap((migration) => {
      const version = versionIn(migration);
      return version !== null && /^\d+$/.test(version)
        ? [{ id: migration.id, version: BigInt(version) }]
        : [];
    });
    const own = numbered.find(({ version }) => version === current);
    const implied = { by: [own?.id ?? row.name], inLine: true };
    // The tool's own `down` sets the number below, even if that is the number of a file that never ran.
    const applied = numbered
      .filter(({ version }) => version <= current)
      .map(({ id, version }) => ({ id, row: version === current ? row : null, edited: false, implied }));
    return { applied, skipped: [], missing: own === undefined ? [row] : [], upTo: current, warnings: [] };
  },
  // Opened by a URL, the tool takes the path as the database's name. Opened by a program, it takes the name itself.
  advisoryKeys: ({ schema, name }, database) => [
    keyOfGolangMigrate(schema, name, `/${database}`),
    keyOfGolangMigrate(schema, name, database),
  ],
  inLine: true,
  // Everything up to its number.
  has: (table, step) => `select from ${nameOf(table)} where version >= ${versionOf(step)}`,
  writer: writer(),
};

function writer(): HistoryWriter {
  const set = rowWriter({
    at: { schema: "public", name: "schema_migrations" },
    columns: { version: "bigint", dirty: "boolean" },
    definition: "(version bigint not null primary key, dirty boolean not null)",
    key: "version",
  });
  return {
    ...set,
    present: (table, step) =>
      `select from ${nameOf(table)} where version >= ${versionOf(step)} and version = ${versionOf(step)}`,
    moved: (table, { ledger }, seen) =>
      `select from ${nameOf(table)} t where t.version::text <> all (${textArray(seen)}) and not exists (select from ${ledger} h where substring(h.revision from '^[0-9]+')::numeric = t.version)`,
    /** A late migration leaves the number unchanged. */
    up: (table, step) => `delete from ${nameOf(table)} where version < ${versionOf(step)};
insert into ${nameOf(table)} (version, dirty) select ${versionOf(step)}, false where not exists (select from ${nameOf(table)})`,
    /**
     * Sets the number of the last applied revision below. It skips late files, which never ran. If the tool has changed the
     * number meanwhile, it stays.
     */
    down(table, step) {
      const number = "substring(revision from '^\\d+')::numeric";
      const below = `select max(${number}) from ${step.ledger} where revision ~ '^\\d' and ${number} < ${versionOf(step)}::numeric`;
      return `with gone as (delete from ${nameOf(table)} where version = ${versionOf(step)} returning version)
insert into ${nameOf(table)} (version, dirty) select below, false from (${below}) as b (below)
  where below is not null and exists (select from gone)`;
    },
  };
}
