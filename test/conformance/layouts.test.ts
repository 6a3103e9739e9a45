/** The laws over every layout that is run in place. */
import type { Files } from "../support/target.ts";
import { type Draft, layoutLaws, type Specimen } from "./layout.ts";

const NO_WAY_BACK = "the tool has no way back";
const NO_MARK = "the tool has no mark";

const TIMES = [
  "20240101000000",
  "20240101000001",
  "20240102000000",
  "20240301000000",
  "20240302000000",
  "20250101000000",
] as const;

const journalOf = (drafts: readonly Draft[], dialect = "postgresql"): Files => ({
  "meta/_journal.json": JSON.stringify({
    version: "7",
    dialect,
    entries: drafts.map(({ number, name }, idx) => ({
      idx,
      version: "7",
      when: 1_700_000_000_000 + Number(number),
      tag: `${number}_${name}`,
      breakpoints: true,
    })),
  }),
});

const drizzle: Specimen = {
  layout: "drizzle",
  form: "drizzle 0.x",
  // The journal decides, whatever the names say.
  order: ["0002", "0001", "0000", "0003", "0010", "0009"],
  write: ({ number, name, up }) => {
    const id = `${number}_${name}`;
    // Pieces are sent one by one, with or without semicolons.
    const text = up.replace(/;\n(?=(?:insert|create table made))/g, "\n--> statement-breakpoint\n");
    return { id, file: `${id}.sql`, files: { [`${id}.sql`]: `${text}\n` } };
  },
  around: (drafts) => journalOf(drafts),

  without: {
    back: NO_WAY_BACK,
    mark: NO_MARK,
    duplicate: "a file has one name, and a name listed twice is broken",
  },
  foreign: [
    ["a flat folder without a journal", { "0001_a.sql": "select 1;" }, /neither meta\/_journal\.json/],
    ["MySQL", journalOf([], "mysql"), /dialect is "mysql"/],
    ["a broken journal", { "meta/_journal.json": "{" }, /no JSON/],
    ["a journal without entries", { "meta/_journal.json": '{"dialect":"postgresql"}' }, /no entries/],
  ],
  broken: [
    [
      "a file that the journal names and is not there",
      journalOf([{ number: "0000", name: "gone", up: "" }]),
      /0000_gone\.sql, which is not there/,
      "meta/_journal.json",
    ],
    [
      "a folder of 1.0 beside the journal",
      {
        ...journalOf([]),
        "20240101000000_a/migration.sql": "select 1;",
        "20240101000000_a/snapshot.json": '{"version":"8"}',
      },
      /20240101000000_a is a migration of Drizzle 1\.0 beside meta\/_journal\.json/,
      "20240101000000_a/migration.sql",
    ],
    [
      "a name that is listed twice",
      {
        ...journalOf([
          { number: "0000", name: "a", up: "" },
          { number: "0000", name: "a", up: "" },
        ]),
        "0000_a.sql": "select 1;",
      },
      /2 files are the revision 0000_a/,
      "0000_a.sql",
    ],
  ],
  ignored: {
    "meta/0000_snapshot.json": "{}",
    "relations.ts": "export {};",
    "0000_stray.sql": "select nonsense;",
  },
};
layoutLaws(drizzle);

layoutLaws({
  ...drizzle,
  form: "drizzle 1.x",
  order: TIMES,
  write: ({ number, name, up }) => {
    const id = `${number}_${name}`;
    return {
      id,
      file: `${id}/migration.sql`,
      files: { [`${id}/migration.sql`]: up, [`${id}/snapshot.json`]: '{"version":"8"}' },
    };
  },
  around: () => ({}),
  without: { back: NO_WAY_BACK, mark: NO_MARK, duplicate: "a folder has one name" },
  foreign: [["a flat folder", { "0001_a.sql": "select 1;" }, /nor a folder with migration\.sql/]],
  broken: [
    [
      "a folder whose name is no time",
      { "init/migration.sql": "select 1;" },
      /does not begin with fourteen digits/,
      "init",
    ],
  ],
  ignored: { "notes/README.md": "" },
});

const NUMBERS = ["2", "10", "011", "100", "9007199254740993", "9007199254740994"] as const;
const FLAT: Files = { "first.sql": "select 1;" };

layoutLaws({
  layout: "supabase",
  // Bytes of the names: `1_…` comes behind `10_…`.
  order: ["10", "1", "20240101000000", "20240102000000", "2", "3"],
  write: ({ number, name, up, marked }) => {
    const id = `${number}_${name}`;
    const mark = marked ? "-- pg-delta: transaction=false\n" : "";
    return { id, file: `${id}.sql`, files: { [`${id}.sql`]: `${mark}${up}` } };
  },
  without: { back: NO_WAY_BACK },
  duplicate: [
    { number: "1", name: "a", up: "select 1;" },
    { number: "1", name: "b", up: "select 1;" },
  ],
  foreign: [["names without a number", FLAT, /no file named <digits>_<name>\.sql/]],
  broken: [
    [
      "a file of goose, whose way back is a comment here,",
      { "1_a.sql": "-- +goose Up\nselect 1;\n-- +goose Down\nselect 1/0;\n" },
      /`-- \+goose Down`, which means nothing to supabase/,
      "1_a.sql",
    ],
    [
      "a file of dbmate, whose way back is a comment here,",
      { "1_a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 1/0;\n" },
      /`-- migrate:down`, which means nothing to supabase/,
      "1_a.sql",
    ],
  ],
  ignored: {
    // Older than the tool's own schemas, and first.
    "00000000000000_init.sql": "select nonsense;",
    "notes.sql": "select nonsense;",
    "20240101000000-dash.sql": "select nonsense;",
    "20240101000000_folder.sql/x.sql": "select nonsense;",
  },
});

const prisma: Specimen = {
  layout: "prisma",
  // The locale's order: small letters before capitals, whatever the bytes say.
  order: [
    "20240101000000_b",
    "20240101000000_B",
    "20240102000000",
    "20240103000000",
    "20240104000000",
    "20250101000000",
  ],
  write: ({ number, name, up }) => {
    const id = `${number}_${name}`;
    return { id, file: `${id}/migration.sql`, files: { [`${id}/migration.sql`]: up } };
  },
  around: () => ({ "migration_lock.toml": '# Do not edit\nprovider = "postgresql"\n' }),
  without: { back: NO_WAY_BACK, mark: NO_MARK, duplicate: "a folder has one name" },
  foreign: [
    ["a flat folder", FLAT, /no folder with migration\.sql/],
    ["MySQL", { "migration_lock.toml": 'provider = "mysql"', "1_a/migration.sql": "" }, /is for mysql/],
    [
      "Prisma 8",
      { "app/20240101000000_a/migration.json": "{}", "app/20240101000000_a/ops.json": "[]" },
      /Prisma 8/,
    ],
    [
      "Drizzle 1.x",
      { "20240101000000_a/migration.sql": "", "20240101000000_a/snapshot.json": "{}" },
      /--layout drizzle|Drizzle/,
    ],
  ],
  broken: [
    [
      "a folder without migration.sql",
      { "1_a/migration.sql": "select 1;", "2_b/README.md": "" },
      /has no migration\.sql/,
      "2_b",
    ],
  ],
  ignored: { "README.md": "" },
};
layoutLaws(prisma);

const pair = ({ number, name, up, down }: Draft) => {
  const id = `${number}_${name}`;
  return {
    id,
    file: `${id}.up.sql`,
    downFile: `${id}.down.sql`,
    files: { [`${id}.up.sql`]: up, ...(down === undefined ? {} : { [`${id}.down.sql`]: down }) },
  };
};

const pairs: Specimen = {
  layout: "golang-migrate",
  order: NUMBERS,
  write: pair,
  without: { mark: NO_MARK },
  duplicate: [
    { number: "1", name: "a", up: "select 1;" },
    { number: "001", name: "b", up: "select 1;" },
  ],
  foreign: [
    ["files without a direction", { "1_a.sql": "select 1;" }, /no file named <digits>_<title>\.up\.sql/],
  ],
  broken: [
    [
      "a version with two ways back",
      { "1_a.up.sql": "select 1;", "1_a.down.sql": "select 1;", "01_b.down.sql": "select 1;" },
      /version 1 is used by 01_b\.down\.sql and 1_a\.down\.sql/,
      "01_b.down.sql",
    ],
  ],
  ignored: { "README.md": "", "embed.go": "", "12_no_direction.sql": "select nonsense;", "x_1.up.sql": "" },
};
layoutLaws(pairs);
layoutLaws({ ...pairs, layout: "updown" });

layoutLaws({
  layout: "dbmate",
  // Names as text: `_` comes behind digits.
  order: ["001", "01", "10", "1", "20240101000000", "2"],
  write: ({ number, name, up, down = "", marked }) => {
    const id = `${number}_${name}`;
    const file = `${id}.sql`;
    const head = `-- What it is for.\n\n-- migrate:up${marked ? " transaction:false" : ""}`;
    return { id, file, downFile: file, files: { [file]: `${head}\n${up}\n\n-- migrate:down\n${down}\n` } };
  },
  duplicate: [
    { number: "1", name: "a", up: "select 1;" },
    { number: "1", name: "b", up: "select 1;" },
  ],
  foreign: [["names without a number", FLAT, /no file named <digits>_<name>\.sql/]],
  broken: [
    ["a file without marks", { "1_a.sql": "select 1;" }, /no line `-- migrate:up`/, "1_a.sql"],
    [
      "a file without a way back",
      { "1_a.sql": "-- migrate:up\nselect 1;" },
      /no line `-- migrate:down`/,
      "1_a.sql",
    ],
    [
      "the way back first",
      { "1_a.sql": "-- migrate:down\n-- migrate:up\n" },
      /in front of `-- migrate:up`/,
      "1_a.sql",
    ],
    [
      "a statement in front",
      { "1_a.sql": "select 1;\n-- migrate:up\n-- migrate:down\n" },
      /statement in front/,
      "1_a.sql",
    ],
    [
      "two pairs in one file",
      { "1_a.sql": "-- migrate:up\n-- migrate:down\n-- migrate:up\n-- migrate:down\n" },
      /`-- migrate:up` a second time/,
      "1_a.sql",
    ],
  ],
  ignored: { "README.md": "", "schema.sql": "select nonsense;" },
});

layoutLaws({
  layout: "goose",
  order: NUMBERS,
  write: ({ number, name, up, down, marked }) => {
    const id = `${number}_${name}`;
    const file = `${id}.sql`;
    const head = `${marked ? "-- +goose NO TRANSACTION\n" : ""}-- +goose Up`;
    const back = down === undefined ? "" : `\n-- +goose Down\n${down}\n`;
    return { id, file, downFile: file, files: { [file]: `${head}\n${up}\n${back}` } };
  },
  fenced: (text) =>
    `-- +goose StatementBegin\n${text.replace(/\n(?=create table)/, "\n-- +goose StatementEnd\n").replace(" /* last; */", "")}`,
  duplicate: [
    { number: "1", name: "a", up: "select 1;" },
    { number: "001", name: "b", up: "select 1;" },
  ],
  foreign: [["no migrations at all", { "a.txt": "" }, /no file named <integer>_<name>\.sql/]],
  broken: [
    ["a name without a number", FLAT, /does not begin with an integer/, "first.sql"],
    ["the version 0", { "0_a.sql": "-- +goose Up\n" }, /at least 1/, "0_a.sql"],
    ["a migration in Go", { "1_a.go": "package migrations" }, /written in Go/, "1_a.go"],
    [
      "a file without an up section",
      { "1_a.sql": "-- +goose NO TRANSACTION\n" },
      /no line `-- \+goose Up`/,
      "1_a.sql",
    ],
    ["a statement in front", { "1_a.sql": "select 1;\n-- +goose Up" }, /statement in front/, "1_a.sql"],
    ["a statement without its end", { "1_a.sql": "-- +goose Up\nselect 1\n" }, /does not end/, "1_a.sql"],
    [
      "a statement that ends behind the section",
      { "1_a.sql": "-- +goose Up\nselect 1\n-- +goose Down\nselect 2;" },
      /does not end/,
      "1_a.sql",
    ],
    [
      "a StatementBegin without its end",
      { "1_a.sql": "-- +goose Up\n-- +goose StatementBegin\nselect 1;" },
      /without a StatementEnd/,
      "1_a.sql",
    ],
    ["an unknown annotation", { "1_a.sql": "-- +goose Upp\nselect 1;" }, /`\+goose upp`/, "1_a.sql"],
    [
      "a variable that is not set",
      { "1_a.sql": "-- +goose ENVSUB ON\n-- +goose Up\ncreate table $NAME (id int);" },
      /variable NAME, which is not set/,
      "1_a.sql",
    ],
  ],
  ignored: { "README.md": "", "main.go": "", "1_a_test.go": "" },
});

const sqlx: Specimen = {
  layout: "sqlx",
  form: "sqlx, reversible",
  order: NUMBERS,
  write: (draft) => {
    const written = pair(draft);
    const mark = draft.marked ? "-- no-transaction\n" : "";
    return { ...written, files: { ...written.files, [written.file]: mark + draft.up } };
  },
  duplicate: [
    { number: "1", name: "a", up: "select 1;" },
    { number: "001", name: "b", up: "select 1;" },
  ],
  foreign: [
    ["no migrations at all", { "a.txt": "", "a.sql": "" }, /no file named <integer>_<description>\.sql/],
  ],
  broken: [
    [
      "a prefix that is no integer",
      { "1a_b.sql": "select 1;" },
      /does not begin with an integer/,
      "1a_b.sql",
    ],
    [
      "a simple file beside a reversible one",
      { "1_a.sql": "select 1;", "1_b.up.sql": "select 1;" },
      /version 1 is used by/,
      "1_b.up.sql",
    ],
  ],
  ignored: { "README.md": "", "first.sql": "select nonsense;", "77_gone.down.sql": "select nonsense;" },
};
layoutLaws(sqlx);
layoutLaws({
  ...sqlx,
  form: "sqlx, simple",
  write: ({ number, name, up, marked }) => {
    const id = `${number}_${name}`;
    return {
      id,
      file: `${id}.sql`,
      files: { [`${id}.sql`]: marked ? `-- no-transaction\n${up}` : up },
    };
  },
  without: { back: "a simple migration has none" },
});

const diesel: Specimen = {
  layout: "diesel",
  // Compared as text, without `-`.
  order: ["00000000000000", "10", "2024-01-02-101500", "20240103", "2024-01-04-101500", "9"],
  write: ({ number, name, up, down, marked }) => {
    const id = `${number}_${name}`;
    return {
      id,
      file: `${id}/up.sql`,
      downFile: `${id}/down.sql`,
      files: {
        [`${id}/up.sql`]: up,
        ...(down === undefined ? {} : { [`${id}/down.sql`]: down }),
        ...(marked ? { [`${id}/metadata.toml`]: "run_in_transaction = false\n" } : {}),
      },
    };
  },
  duplicate: [
    { number: "2024-01-02", name: "a", up: "select 1;" },
    { number: "20240102", name: "b", up: "select 1;" },
  ],
  foreign: [["a flat folder", FLAT, /no folder with up\.sql/]],
  broken: [
    [
      "a folder without up.sql",
      { "1_a/up.sql": "select 1;", "2_b/down.sql": "select 1;" },
      /has no up\.sql/,
      "2_b",
    ],
  ],
  ignored: { "README.md": "", ".hidden/x.sql": "select nonsense;", "notes.sql": "select nonsense;" },
};
layoutLaws(diesel);
layoutLaws({ ...diesel, layout: "updir" });
