/** Drizzle itself, of both generations, as the judge of its folders. */
import { drizzle as open } from "drizzle-orm/node-postgres";
import { migrate as migrateOld } from "drizzle-orm/node-postgres/migrator";
import { drizzle as openNew } from "drizzle-orm-v1/node-postgres";
import { migrate as migrateNew } from "drizzle-orm-v1/node-postgres/migrator";
import { describe } from "vitest";
import { drizzle } from "../../src/source/layouts/drizzle.ts";
import { openInPlace } from "../../src/source/layouts/in-place.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { type Files, folderOf, targetOf, up } from "../support/target.ts";
import { emptied, madeIn } from "../support/tool.ts";

/** In the order in which they must run, which is not the order of their names. */
const STEPS: readonly (readonly [name: string, text: string])[] = [
  [
    "zebra",
    `CREATE TYPE "kind" AS ENUM('a', 'b');--> statement-breakpoint
CREATE TABLE "shops" ("id" integer PRIMARY KEY, "name" text NOT NULL, "kind" "kind" DEFAULT 'a')
--> statement-breakpoint
INSERT INTO "shops" VALUES (1, 'A;b ä'); INSERT INTO "shops" VALUES (2, 'b')`,
  ],
  [
    "apple",
    `-- a function\r
CREATE FUNCTION slug() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := lower(NEW.name); RETURN NEW; END $$;--> statement-breakpoint\r
CREATE TRIGGER slug BEFORE INSERT ON "shops" FOR EACH ROW EXECUTE FUNCTION slug();--> statement-breakpoint\r
INSERT INTO "shops" VALUES (3, 'C');\r
`,
  ],
  ["nothing", "-- Custom SQL migration file, put your code below! --"],
  ["mango", `ALTER TABLE "shops" ADD COLUMN "slug" text;--> statement-breakpoint\n`],
];
const HISTORY = /drizzle/;

const WHEN = [1_704_164_645_678, 1_704_164_645_999, 1_704_164_700_000, 1_704_264_645_678] as const;
/** As older versions of drizzle-kit write it, with a file that the journal does not list. */
const OLD: Files = {
  "0004_draft.sql": "SELECT nonsense;",
  ...Object.fromEntries(STEPS.map(([name, text], index) => [`000${index}_${name}.sql`, text])),
  "meta/_journal.json": JSON.stringify({
    version: "7",
    dialect: "pg",
    entries: STEPS.map(([name], idx) => ({
      idx,
      version: "7",
      when: WHEN[idx],
      tag: `000${idx}_${name}`,
      breakpoints: true,
    })),
  }),
};

const TIMES = ["20240102030405", "20240102030406", "20240102030500", "20240103000000"] as const;
const NEW: Files = Object.fromEntries(
  STEPS.flatMap(([name, text], index) => {
    const folder = `${TIMES[index]}_${name}`;
    return [
      [`${folder}/migration.sql`, text],
      [
        `${folder}/snapshot.json`,
        JSON.stringify({ version: "8", dialect: "postgres", id: name, prevIds: [] }),
      ],
    ];
  }),
);

describe("drizzle-orm", () => {
  test.for([
    [
      "0.45",
      OLD,
      async (db: TestDatabase, migrationsFolder: string) =>
        migrateOld(open(await db.connect()), { migrationsFolder }),
      "hash, created_at",
    ],
    [
      "1.0",
      NEW,
      async (db: TestDatabase, migrationsFolder: string) => {
        await migrateNew(openNew({ client: await db.connect() }), { migrationsFolder });
      },
      "hash, created_at, name",
    ],
  ] as const)(
    "%s makes of a folder what we make of it, and knows its files by what we know",
    async ([, files, run, columns], { db }) => {
      const folder = folderOf(files);
      await run(db, folder);
      const there = await madeIn(db, HISTORY);
      expect(there.rows.shops).toHaveLength(3);
      const kept = await db.sql(`select ${columns} from drizzle.__drizzle_migrations order by id`);

      await emptied(db, "drizzle");
      const source = openInPlace(drizzle, folder, { placeholders: {}, environment: {} });
      await up({ ...targetOf({ url: db.url, folder }), source });
      expect(await madeIn(db, HISTORY)).toEqual(there);
      const { migrations } = await source.list();
      expect(migrations.map(({ tool }) => tool?.columns)).toEqual(
        kept.map((row) => ({ ...row, created_at: Number(row.created_at) })),
      );
    },
  );
});
