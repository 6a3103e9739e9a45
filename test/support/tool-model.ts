/** Other tools as a model has them: what each makes of its own history, with effects that can be told apart and not doubled. */
import type { TestDatabase } from "./database.ts";
import type { Files } from "./target.ts";

/** One migration of the model: its effect is the row `n` of `effects`, whose key refuses a second one. */
export interface ModelFile {
  readonly n: number;
  readonly word: string;
  /** How often its text was edited. */
  readonly edits?: number;
  /** The effects of the files that it replaced, its own number perhaps among them. Without it, `n` is its only effect. */
  readonly effects?: readonly number[];
}

export const effectsOf = ({ n, effects = [n] }: ModelFile): readonly number[] => effects;

export interface ToolModel {
  readonly name: string;
  readonly layout: string;
  readonly files: (files: readonly ModelFile[]) => Files;
  readonly revision: (file: ModelFile) => string;
  /** Where it keeps its history, `schema.table`. */
  readonly table: string;
  readonly create: string;
  /** The numbers that its history says are applied, as far as these files go. */
  readonly claims: (db: TestDatabase, files: readonly ModelFile[]) => Promise<readonly number[]>;
  /** Its own `up`: all that it takes for pending, each with its row, until one fails. */
  readonly pending: (claimed: readonly number[], files: readonly ModelFile[]) => readonly ModelFile[];
  readonly row: (file: ModelFile) => string;
  readonly unrow: (file: ModelFile, below: ModelFile | undefined) => string;
  /** Whether a row can be taken away from the middle of its history. */
  readonly isSet: boolean;
}

const pad = (n: number) => String(n).padStart(4, "0");
/** Its whole text, as it is run. */
export const up = (file: ModelFile) =>
  `${effectsOf(file)
    .map((n) => `insert into effects values (${n});`)
    .join(" ")}${file.edits === undefined || file.edits === 0 ? "" : ` select ${file.edits};`}`;
export const down = (file: ModelFile) => `delete from effects where n in (${effectsOf(file).join(", ")});`;

async function versions(db: TestDatabase, table: string): Promise<readonly number[]> {
  const [found] = await db.sql<{ there: boolean }>(`select to_regclass('${table}') is not null as there`);
  if (found?.there !== true) return [];
  return (await db.sql<{ version: string }>(`select version::text from ${table}`)).map(({ version }) =>
    Number(version),
  );
}

export const DBMATE: ToolModel = {
  name: "dbmate",
  layout: "dbmate",
  table: "public.schema_migrations",
  create: "create table if not exists public.schema_migrations (version varchar primary key)",
  files: (files) =>
    Object.fromEntries(
      files.map((file) => [
        `${pad(file.n)}_${file.word}.sql`,
        `-- migrate:up\n${up(file)}\n-- migrate:down\n${down(file)}\n`,
      ]),
    ),
  revision: ({ n, word }) => `${pad(n)}_${word}`,
  claims: (db) => versions(db, "public.schema_migrations"),
  pending: (claimed, files) => files.filter(({ n }) => !claimed.includes(n)),
  row: ({ n }) => `insert into public.schema_migrations values ('${pad(n)}')`,
  unrow: ({ n }) => `delete from public.schema_migrations where version = '${pad(n)}'`,
  isSet: true,
};

export const SUPABASE: ToolModel = {
  ...DBMATE,
  name: "supabase",
  layout: "supabase",
  table: "supabase_migrations.schema_migrations",
  create:
    "create schema if not exists supabase_migrations; create table if not exists supabase_migrations.schema_migrations (version text primary key, statements text[], name text)",
  files: (files) =>
    Object.fromEntries(files.map((file) => [`${pad(file.n)}_${file.word}.sql`, `${up(file)}\n`])),
  claims: (db) => versions(db, "supabase_migrations.schema_migrations"),
  row: ({ n, word }) =>
    `insert into supabase_migrations.schema_migrations (version, name) values ('${pad(n)}', '${word}')`,
  unrow: ({ n }) => `delete from supabase_migrations.schema_migrations where version = '${pad(n)}'`,
};

export const GOLANG: ToolModel = {
  name: "golang-migrate",
  layout: "golang-migrate",
  table: "public.schema_migrations",
  create:
    "create table if not exists public.schema_migrations (version bigint primary key, dirty boolean not null)",
  files: (files) =>
    Object.fromEntries(
      files.flatMap((file) => [
        [`${file.n}_${file.word}.up.sql`, up(file)],
        [`${file.n}_${file.word}.down.sql`, down(file)],
      ]),
    ),
  revision: ({ n, word }) => `${n}_${word}`,
  claims: async (db, files) => {
    const [current] = await versions(db, "public.schema_migrations");
    return current === undefined ? [] : files.flatMap(({ n }) => (n <= current ? [n] : []));
  },
  pending: (claimed, files) => files.filter(({ n }) => n > Math.max(0, ...claimed)),
  row: ({ n }) =>
    `delete from public.schema_migrations; insert into public.schema_migrations values (${n}, false)`,
  unrow: (_, below) =>
    `delete from public.schema_migrations${below === undefined ? "" : `; insert into public.schema_migrations values (${below.n}, false)`}`,
  isSet: false,
};
