/** 32: a byte order mark or other line ends change the checksum. */
import { expect, test } from "../support/database.ts";
import { type Files, folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const FILES: Files = {
  "0001_a.sql": "create table a (\n  id int -- first\n);\n",
  "0002_b.up.sql": "create table b ();\n",
  "0002_b.down.sql": "drop table b;\n",
  "0003_c.ts": "export async function up({ sql }: any) {\n  await sql`select 1`;\n}\n",
  "repeatable/v.sql": "create or replace view v as\n  select 1 as n;\n",
};

test("32: line ends and byte order marks are no part of a migration", async ({ db }) => {
  const folder = folderOf(FILES);
  const target = targetOf({ url: db.url, folder });
  await up(target);
  for (const spelled of [
    (text: string) => text.replaceAll("\n", "\r\n"),
    (text: string) => `\ufeff${text}`,
    (text: string) => `\ufeff${text.replaceAll("\n", "\r\n")}`,
    (text: string) => text.replaceAll("\n", "\r"),
  ]) {
    writeFiles(
      folder,
      Object.fromEntries(Object.entries(FILES).map(([name, text]) => [name, spelled(text)])),
    );
    expect(await up(target)).toMatchObject({ outcome: "done", steps: [], warnings: [] });
  }
});
