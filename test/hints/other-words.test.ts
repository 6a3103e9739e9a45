/** A command of another tool is refused with ours. Ours is taken from the answer and run, and does what it says. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { type Command, commandIn, type Finished } from "../support/command.ts";
import { expect, type TestDatabase, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const TABLE = (name: string) =>
  `-- migrate:up\ncreate table ${name} ();\n-- migrate:down\ndrop table ${name};\n`;
const FILES = {
  "migrations/0001_a.sql": TABLE("a"),
  "migrations/0002_b.sql": TABLE("b"),
  "migrations/0003_c.sql": TABLE("c"),
};

interface Scene {
  readonly godwit: Command;
  readonly db: TestDatabase;
  readonly folder: string;
  /** The tables that are there. */
  readonly tables: () => Promise<string>;
}

interface Case {
  /** Run before, as `godwit …`. */
  readonly before?: readonly string[];
  /** What the command prints, or what is true when all commands of the hint have run. */
  readonly holds: (scene: Scene, printed: readonly Finished[]) => unknown;
  /** Commands of the hint that are another way, and not a next step. */
  readonly without?: readonly string[];
}

const UP = ["up"];
const all: Case = { holds: async ({ tables }) => expect(await tables()).toBe("a b c") };
const two: Case = { before: UP, holds: async ({ tables }) => expect(await tables()).toBe("a b") };
const none: Case = { before: UP, holds: async ({ tables }) => expect(await tables()).toBe("") };
const says = (text: string): Case => ({
  before: UP,
  holds: (_, [first]) => expect(`${first?.stdout}${first?.stderr}`).toContain(text),
});
const newFile: Case = {
  holds: ({ folder }) =>
    expect(readdirSync(join(folder, "migrations")).join()).toMatch(/0004_slug\.(?:sql|ts)/),
};

/** By what is typed. */
const CASES: Readonly<Record<string, Case>> = {
  rollback: two,
  redo: { before: UP, holds: all.holds },
  "create slug": newFile,
  "seed slug": newFile,
  "makemigrations slug": newFile,
  "migrate dev slug": { holds: async (scene) => [newFile.holds(scene, []), await all.holds(scene, [])] },
  "migrate deploy": all,
  "migrate run": all,
  "db:wait": all,
  "up-by-one": { holds: async ({ tables }) => expect(await tables()).toBe("a") },
  "up-to 0002": { holds: async ({ tables }) => expect(await tables()).toBe("a b") },
  "down-to 0001": {
    before: UP,
    without: ["godwit up 0001"],
    holds: async ({ tables }) => expect(await tables()).toBe("a"),
  },
  goto: { ...all, without: ["godwit down <revision>", "godwit up <revision>"], holds: () => undefined },
  "down-all": none,
  "migrate reset": { before: UP, without: ["godwit dev --reset"], holds: all.holds },
  info: says("0003_c"),
  validate: { before: UP, holds: (_, [first]) => expect(first?.code).toBe(0) },
  version: says("0003_c"),
  log: says("applied"),
  branches: says("0003_c"),
  "dry-run": { holds: async ({ tables }) => expect(await tables()).toBe("") },
  install: { holds: ({ folder }) => expect(existsSync(join(folder, "godwit.config.ts"))).toBe(true) },
  "mark 0002": { holds: async (scene) => expect((await scene.godwit("status")).stdout).toContain("0002_b") },
  resolve: says("--mark-done"),
  bundle: { holds: (_, [first]) => expect(first?.code).toBe(0) },
  unlock: says("PostgreSQL"),
};

describe("the answer to the word of another tool", () => {
  test.for(Object.entries(CASES))("%s", async ([typed, { before, without = [], holds }], { db }) => {
    const folder = folderOf(FILES);
    const godwit = commandIn({ folder, url: db.url });
    if (before !== undefined) await godwit(...before);
    const { stderr } = await godwit.fails(2, ...typed.split(" "));
    const commands = [...stderr.matchAll(/`(godwit [^`]+)`/g)].map(([, command = ""]) => command);
    expect(commands).not.toEqual([]);
    const printed: Finished[] = [];
    for (const command of commands) {
      if (without.includes(command)) continue;
      printed.push(await godwit(...command.split(" ").slice(1)));
    }
    const tables = async () => {
      const rows = await db.sql("select tablename from pg_tables where schemaname = 'public' order by 1");
      return rows.map(({ tablename }) => tablename).join(" ");
    };
    await holds({ godwit, db, folder, tables }, printed);
  });
});
