/** Writes the history of tools that keep one row per file. A single insert mirrors a step. */
import { createSchema, literal } from "../core/sql/quote.ts";
import { type HistoryWriter, type MirroredStep, nameOf, type Relation } from "./tool.ts";

export interface RowWriter extends Pick<HistoryWriter, "ownFiles" | "needsFiles"> {
  /** Where the table is created, unless the configuration says otherwise. */
  readonly at: { readonly schema: string; readonly name: string };
  readonly columns: Readonly<Record<string, string>>;
  /** The text after `create table if not exists <name>`. */
  readonly definition: string;
  /** The rows that a new table contains. */
  readonly first?: (table: Relation) => string;
  /** The column that tells files apart. */
  readonly key: string;
  /** The file's name, derived from the revision, as the key column holds it. It is needed if the file is gone. */
  readonly named?: (revision: string) => string;
  /** The key's value in SQL. */
  readonly keyOf?: (step: MirroredStep) => string;
  /** Which of several rows of a file says that it is applied, in SQL. By default, all do. */
  readonly counts?: (table: Relation, where: string) => string;
  /** The column that holds what the tool compares with the file. */
  readonly compared?: string;
  /** The other columns of a new row, in SQL. */
  readonly row?: (step: MirroredStep) => Readonly<Record<string, string>>;
}

export function rowWriter(options: RowWriter): HistoryWriter {
  const { named: nameIn } = options;
  const keyOf =
    nameIn === undefined
      ? (options.keyOf ?? versionOf)
      : ({ key, revision }: MirroredStep) => literal(key?.version ?? nameIn(revision));
  const where = (step: MirroredStep) => `${options.key} = ${keyOf(step)}`;
  const { compared } = options;
  return {
    ...(compared === undefined
      ? {}
      : {
          accept: (table, step) =>
            `update ${nameOf(table)} set ${compared} = ${options.row?.(step)[compared]} where ${where(step)}`,
        }),
    ...(nameIn === undefined
      ? {}
      : {
          rename: (table, step, from) =>
            `update ${nameOf(table)} set ${options.key} = ${keyOf(step)} where ${options.key} = ${literal(nameIn(from))}`,
        }),
    ...(options.needsFiles === undefined ? {} : { needsFiles: options.needsFiles }),
    ...(options.ownFiles === undefined ? {} : { ownFiles: options.ownFiles }),
    create(_keys, at) {
      const { columns } = options;
      const table = { ...options.at, ...named(at), columns, readable: true };
      const name = nameOf(table);
      const first = options.first === undefined ? "" : `; ${options.first(table)}`;
      return {
        table,
        sql: `${createSchema(table.schema, table.name)}; create table if not exists ${name} ${options.definition}${first}`,
      };
    },
    present(table, step) {
      const counts = options.counts === undefined ? "" : ` and ${options.counts(table, where(step))}`;
      return `select from ${nameOf(table)} where ${where(step)}${counts}`;
    },
    up(table, step) {
      const row = { [options.key]: keyOf(step), ...options.row?.(step) };
      return `insert into ${nameOf(table)} (${Object.keys(row).join(", ")}) values (${Object.values(row).join(", ")})`;
    },
    down: (table, step) => `delete from ${nameOf(table)} where ${where(step)}`,
  };
}

/** The version as text. A column of numbers accepts digits as well. */
export function versionOf({ key, revision }: MirroredStep): string {
  return literal(key?.version ?? /^\d+/.exec(revision)?.[0] ?? revision);
}

function named(at: { schema: string | null; name: string } | null): Partial<Relation> {
  if (at === null) return {};
  return at.schema === null ? { name: at.name } : { name: at.name, schema: at.schema };
}
