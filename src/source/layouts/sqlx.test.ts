import { expect, test } from "vitest";
import { createFolder } from "../folder.fixture.ts";
import { openInPlace } from "./in-place.ts";
import { sqlx } from "./sqlx.ts";

async function transactions(up: string, down: string) {
  const folder = createFolder({ "1_a.up.sql": up, "1_a.down.sql": down });
  const source = openInPlace(sqlx, folder, { placeholders: {}, environment: {} });
  const [migration] = (await source.list()).migrations;
  if (migration === undefined) throw new Error("no migration");
  const contents = await Promise.all([source.read(migration, "up"), source.read(migration, "down")]);
  return contents.map((content) => (content.kind === "sql" ? content.settings?.transaction : null));
}

const MARK = "-- no-transaction";

test("each direction has a mark of its own", async () => {
  expect(await transactions(`${MARK}\nselect 1;`, "select 1;")).toEqual([false, undefined]);
  expect(await transactions("select 1;", `${MARK}\nselect 1;`)).toEqual([undefined, false]);
});

test.each([
  ["a line in front", `\n${MARK}\n`],
  ["a space in front", ` ${MARK}\n`],
  ["a byte order mark in front", `\ufeff${MARK}\n`],
  ["less space inside", "--no-transaction\n"],
])("with %s it is a comment", async (_, text) => {
  expect(await transactions(`${text}select 1;`, "select 1;")).toEqual([undefined, undefined]);
});
