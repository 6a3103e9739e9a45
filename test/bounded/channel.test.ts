/** User code can close every file descriptor and write to every one: also to those over which we speak with its process. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createFamily } from "./family.ts";

const module = (inside: string, before = "") => `
import fs from "node:fs";
${before}
export const up = async ({ sql }) => { await sql\`create table a ()\`; ${inside}; await sql\`select 1\`; };`;
const HEADED = 'Buffer.from("67647774" + "00000004" + "ffffffff", "hex")';
const WORDS = /closed file descriptor 3, over which Godwit speaks with its process, or wrote to it/;

test.for<[name: string, text: string, says: RegExp]>([
  ["closes it", module("fs.closeSync(3)"), WORDS],
  ["closes it and waits", module("fs.closeSync(3); await new Promise(() => {})"), WORDS],
  ["closes it and spins", module("fs.closeSync(3); for (;;);"), WORDS],
  ["closes it at its top", module("", "fs.closeSync(3);"), WORDS],
  ["writes text to it", module('fs.writeSync(3, "hello\\n")'), WORDS],
  ["writes a byte to it", module('fs.writeSync(3, "g")'), WORDS],
  ["writes something like a message to it", module(`fs.writeSync(3, ${HEADED})`), WORDS],
  ["closes all of them", module("for (let fd = 0; fd < 64; fd++) try { fs.closeSync(fd); } catch {}"), /./],
  ["disconnects", module("process.disconnect()"), /process\.disconnect is not a function/],
])("a migration that %s fails, and the message says it", async ([, text, says], { db }) => {
  const family = createFamily();
  const folder = folderOf({ "migrations/0001_a.mjs": text });
  const godwit = commandIn({ folder, url: db.url, env: family.env });
  const { json } = await godwit.fails(1, "up", "--json", "--timeout", "20s");
  expect(json.problems[0].code).not.toBe("DEADLINE");
  expect(json.problems[0].message).toMatch(says);
  expect(await db.sql("select to_regclass('a') as a")).toEqual([{ a: null }]);
  await family.gone();
});

test("a configuration that closes it fails, and the message says it", async ({ db }) => {
  const text = 'import fs from "node:fs"; fs.closeSync(3); export default {};';
  const folder = folderOf({ "godwit.config.mjs": text });
  const { stderr } = await commandIn({ folder, url: db.url }).fails(1, "up", "--timeout", "20s");
  expect(stderr).toMatch(WORDS);
  expect(stderr).toContain("[CONFIG_FILE_BROKEN]");
});

test("what code writes to the pipe that ends its process with ours does no harm", async ({ db }) => {
  const text = module('fs.writeSync(4, "x")');
  await commandIn({ folder: folderOf({ "migrations/0001_a.mjs": text }), url: db.url })("up");
  expect(await db.sql("select from a")).toEqual([]);
});

test("messages of many MB arrive as they were sent, in both directions", async ({ db }) => {
  const text = `
    import assert from "node:assert/strict";
    export const up = async ({ sql }) => {
      const bytes = Buffer.alloc(9_000_001, "gdwt\\0\\u00ff");
      const [row] = await sql\`select \${bytes}::bytea as bytes, \${"ü".repeat(5_000_000)}::text as text\`;
      assert.ok(Buffer.isBuffer(row.bytes) && bytes.equals(row.bytes));
      assert.equal(row.text, "ü".repeat(5_000_000));
      const all = await Promise.all(Array.from({ length: 300 }, (_, at) => sql\`select \${at}::int as at\`));
      assert.deepEqual(all.map(([{ at }]) => at), Array.from({ length: 300 }, (_, at) => at));
    };`;
  await commandIn({ folder: folderOf({ "migrations/0001_a.mjs": text }), url: db.url })("up");
});
