/** Files of many MB and folders of many files are looked through in slices, between which the deadline ends the run. */
import { join } from "node:path";
import { fingerprint } from "../../src/core/checksum.ts";
import { fingerprintWithPauses, pauses } from "../../src/source/pauses.ts";
import { openPlain } from "../../src/source/plain/plain.ts";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const statements = (count: number) =>
  Array.from({ length: count }, (_, at) => `insert into t values (${at}, $$text$$, 'é${at}');`).join("\n");
const small = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`${String(at).padStart(5, "0")}_a.sql`, "select 1;"]),
  );

test.for([
  ["one file of many MB", { "0001_a.sql": statements(150_000) }],
  ["thousands of files", small(3_000)],
] as const)("the list of %s ends when its signal aborts", async ([, files]) => {
  const folder = folderOf(files);
  const stop = new AbortController();
  const source = openPlain({ folder, cacheFolder: join(folder, ".cache"), signal: stop.signal });
  const listing = source.list();
  setImmediate(() => stop.abort(new Error("stopped")));
  await expect(listing).rejects.toThrow("stopped");
});

test("a large file that was listed is not read on when the signal aborts", async () => {
  const folder = folderOf({ "0001_a.sql": statements(150_000) });
  const stop = new AbortController();
  const source = openPlain({ folder, cacheFolder: join(folder, ".cache"), signal: stop.signal });
  const { migrations } = await source.list();
  const [migration] = migrations;
  if (migration === undefined) throw new Error("It is not in the list.");
  stop.abort(new Error("stopped"));
  await expect(source.read(migration, "up")).rejects.toThrow("stopped");
});

test("a fingerprint that is made in slices is the same", async () => {
  const text = `${statements(20_000)}\n-- end`;
  expect(await fingerprintWithPauses(text, pauses(undefined))).toBe(fingerprint(text));
});

test.for(["plan", "up"])("the deadline ends %s over a file of many MB", async (command, { db }) => {
  const folder = folderOf({
    "migrations/0001_a.sql": `create table t (a int, b text, c text);\n${statements(300_000)}`,
  });
  const godwit = commandIn({ folder, url: db.url });
  const { json } = await godwit.fails(1, command, "--json", "--timeout", "500ms");
  expect(json.problems[0].code).toBe("DEADLINE");
  expect(await db.sql("select to_regclass('t') as t")).toEqual([{ t: null }]);
});
