/** The keys in other tools' histories: their own hashes of five small files. They must never change. */
import { expect, test } from "vitest";
import { createFolder } from "../folder.fixture.ts";
import { openInPlace } from "./in-place.ts";
import { loadLayout } from "./layouts.ts";

const A = "CREATE TABLE t (id int);\nINSERT INTO t VALUES (1);\n";
const FILES = {
  A,
  A_CRLF: A.replaceAll("\n", "\r\n"),
  A_BOM: `\ufeff${A}`,
  B: "-- h\u00e9llo\nCREATE INDEX i ON t (id);",
  EMPTY: "",
} as const;
type Name = keyof typeof FILES;

const SHA256: Readonly<Record<Name, string>> = {
  A: "ca2e30c7bf4ae893a75714da225cab24092983eef3fc4de5988d59bbf722acfb",
  A_CRLF: "c78b411c2934c7f214a95fc07d413149cdd3b99747d470a6f14bf4e3a490d3a9",
  A_BOM: "7a37f3fd70bb93b77b47a9e104538ddb27a3b795915297d7351ef33e1b395482",
  B: "79e386f8c0f18ce44180e39ad06d998e27843b67f0e78283d089c711eff348a7",
  EMPTY: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
};
const SHA384: Readonly<Record<Name, string>> = {
  A: "977b73527daf25060f0b5039a54d00b8c7932f286baf2d83531e5fa8e12264fd6a30a7ccf6460135d22c6fd9375645f8",
  A_CRLF: "c07d6b962cf86048c111b042804d8e6c8e44aded1e032eb2f8599869fbb5a35a90fad4d8c85cbc3beec11b098b587c94",
  A_BOM: "0912a803283773ea0655f1986ad1d86aa670fab64bd8f2105bf07be8946db4f7ea0a4e247b00ad1a5e8f23e222a3f985",
  B: "0fa8dc01afba16738aad968272724de8a471601b71132f21ff5c5da99ff8854d6c5009f72ac85d0492210faf714b3014",
  EMPTY: "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
};

const NAME = "20240102030405_first_one";
const JOURNAL = JSON.stringify({
  dialect: "postgresql",
  entries: [{ idx: 0, when: 1_704_164_645_678, tag: NAME }],
});

async function keyOf(layout: string, files: Readonly<Record<string, string>>) {
  const options = { placeholders: {}, environment: {} };
  const source = openInPlace(await loadLayout(layout), createFolder(files), options);
  const [migration] = (await source.list()).migrations;
  return migration?.tool;
}

const names = Object.keys(FILES) as readonly Name[];

test.each(names)("Drizzle up to 0.45 has the hash of %s, and its time in the journal", async (name) => {
  const key = await keyOf("drizzle", { "meta/_journal.json": JOURNAL, [`${NAME}.sql`]: FILES[name] });
  expect(key).toMatchObject({
    version: "1704164645678",
    columns: { hash: SHA256[name], created_at: 1_704_164_645_678 },
  });
  expect(key?.checksums[0]).toBe(SHA256[name]);
  expect(key?.columns).not.toHaveProperty("name");
});

test.each(names)("Drizzle 1.0 has the hash of %s, its folder and the time in its name", async (name) => {
  const key = await keyOf("drizzle", { [`${NAME}/migration.sql`]: FILES[name] });
  expect(key).toMatchObject({
    version: NAME,
    columns: { hash: SHA256[name], created_at: Date.UTC(2024, 0, 2, 3, 4, 5), name: NAME },
  });
});

test.each(names)("Prisma has the hash of %s", async (name) => {
  const key = await keyOf("prisma", { [`${NAME}/migration.sql`]: FILES[name] });
  expect(key).toMatchObject({ version: NAME });
  expect(key?.checksums[0]).toBe(SHA256[name]);
});

test("either kind of line ends is the same file; a byte order mark is not", async () => {
  const checksums = async (name: Name) =>
    (await keyOf("prisma", { [`${NAME}/migration.sql`]: FILES[name] }))?.checksums;
  expect(new Set(await checksums("A"))).toEqual(new Set([SHA256.A, SHA256.A_CRLF]));
  expect(new Set(await checksums("A_CRLF"))).toEqual(new Set([SHA256.A, SHA256.A_CRLF]));
  expect(await checksums("A_BOM")).not.toContain(SHA256.A);
});

test.each(names)("sqlx has the SHA-384 of %s, of its way up", async (name) => {
  for (const file of [`${NAME}.sql`, `${NAME}.up.sql`]) {
    const key = await keyOf("sqlx", { [file]: FILES[name], [`${NAME}.down.sql`]: "select 1;" });
    expect(key).toMatchObject({ version: "20240102030405", columns: { description: "first one" } });
    expect(key?.checksums[0]).toBe(SHA384[name]);
  }
});

test.each([
  ["supabase", `${NAME}.sql`, "20240102030405", { name: "first_one" }],
  ["golang-migrate", "0012_a.up.sql", "12", undefined],
  ["dbmate", "0012_a.sql", "0012", undefined],
  ["goose", "0012_a.sql", "12", undefined],
  ["diesel", "2024-01-02-030405_a/up.sql", "20240102030405", undefined],
])("%s knows %s by its version", async (layout, file, version, columns) => {
  const key = await keyOf(layout, { [file]: "select 1;" });
  expect(key).toEqual({ version, checksums: [], ...(columns === undefined ? {} : { columns }) });
});

test.each([
  ["updown", "0012_a.up.sql"],
  ["updir", "0012_a/up.sql"],
])("%s is no tool's and has no key", async (layout, file) => {
  expect(await keyOf(layout, { [file]: "select 1;" })).toBeUndefined();
});
