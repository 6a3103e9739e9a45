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
      "a file that is not in the journal",
      { ...journalOf([]), "0000_stray.sql": "select 1;" },
      /not in meta\/_journal\.json/,
      "0000_stray.sql",
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
  ignored: { "meta/0000_snapshot.json": "{}", "relations.ts": "export {};" },
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
