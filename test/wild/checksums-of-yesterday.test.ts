/**
 * 33: an upgrade of the tool changes the checksums, and every database refuses to start.
 *
 * What is written here is in the ledgers of this world. It may never change: a new algorithm gets a new name,
 * and the old ones stay.
 */
import { describe } from "vitest";
import { checksum, fingerprint } from "../../src/core/checksum.ts";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf, targetOf, up, writeFiles } from "../support/target.ts";

const GOLDEN = [
  {
    text: "create table shops (id int primary key);\n",
    checksum: "sha256:15c28ebf5627c853634549b68cd5c1157e9f3ca026de3dadd381d35925fef41e",
    fingerprint: "tokens:4fc508bec29759b58abf488fc50fcb8c4faecab209d7d7fbe58366b1c36ce315",
  },
  {
    text: "-- What we sell.\nCREATE TABLE shops (\n  id int /* key */ primary key\n);\n",
    checksum: "sha256:a7c31460a8c73c0f26a836f029a5a2c3a7a220a2a4ba371e942c8c87e62e0ff6",
    fingerprint: "tokens:4fc508bec29759b58abf488fc50fcb8c4faecab209d7d7fbe58366b1c36ce315",
  },
  {
    text: "insert into \"Shops\" values ('It''s', E'\\n', U&'\\00e4', $body$ -- no comment $body$, 1.5e3, 'Ünï🐦', $1);\n",
    checksum: "sha256:9e84976ab1f970fdc57c686c46246177a3fa681c997549341d5c6f8682089f88",
    fingerprint: "tokens:137854360b796aace6d78b7f857a936ca6608b54698a1f7468813cc43d8437f8",
  },
  {
    text: "",
    checksum: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    fingerprint: "tokens:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  },
];

describe("33: the checksums of yesterday", () => {
  test.for(GOLDEN)("of $text", ({ text, ...golden }) => {
    expect({ checksum: checksum(text), fingerprint: fingerprint(text) }).toEqual(golden);
  });

  test("in a ledger that an older Godwit wrote are understood", async ({ db }) => {
    const [file, comment] = GOLDEN;
    const folder = folderOf({ "0001_shops.sql": file?.text ?? "" });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    await db.sql(
      `update "${ledgerSchema}".migration_history set version = '0.0.1', checksum = $1, fingerprint = $2`,
      [file?.checksum, file?.fingerprint],
    );
    expect(await up(target)).toMatchObject({ steps: [], warnings: [] });
    writeFiles(folder, { "0001_shops.sql": comment?.text ?? "" });
    expect((await up(target)).warnings).toMatchObject([
      { code: "PLAN_EDITED", details: { applied: file?.checksum, file: comment?.checksum } },
    ]);
  });
});
