/** 29: two branches are merged out of order. */
import { describe } from "vitest";
import { migrate } from "../../src/run/migrate.ts";
import { expect, test } from "../support/database.ts";
import { appliedIn, refusalOf } from "../support/refusal.ts";
import { down, type Files, folderOf, recorder, targetOf, up, writeFiles } from "../support/target.ts";

const table = (name: string, header = ""): Files => ({
  [`${name}.sql`]: `${header}-- migrate:up\ncreate table t${name.slice(0, 4)} ();\n-- migrate:down\ndrop table t${name.slice(0, 4)};`,
});

describe("29: a file that a merge put in front of an applied one", () => {
  test("stops the run before anything is done, with its name and a fix of one line that works", async ({
    db,
  }) => {
    const folder = folderOf({ ...table("0001_a"), ...table("0003_c") });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    writeFiles(folder, { ...table("0002_b"), ...table("0004_d") });

    const { problems, error } = await refusalOf(up(target));
    expect(problems).toMatchObject([{ code: "PLAN_LATE", place: { file: "0002_b.sql" } }]);
    expect(problems[0]?.message).toContain("0002_b (before 0003_c)");
    expect(error.report?.steps).toEqual([]);
    expect(await appliedIn(db)).toEqual(["0001_a", "0003_c"]);

    const line = /`(-- godwit: [^`]+)`/.exec(problems[0]?.hint ?? "")?.[1];
    writeFiles(folder, table("0002_b", `${line}\n`));
    await up(target);
    expect(await appliedIn(db)).toEqual(["0001_a", "0003_c", "0002_b", "0004_d"]);
  });

  test("is taken back in the order in which things were applied", async ({ db }) => {
    const folder = folderOf({ ...table("0001_a"), ...table("0003_c") });
    const target = targetOf({ url: db.url, folder });
    await up(target);
    writeFiles(folder, table("0002_b"));
    await up(target, undefined, { outOfOrder: true });

    const report = await migrate(target, down("-2"), recorder());
    expect(report.steps.map((step) => step.revision)).toEqual(["0002_b", "0003_c"]);
  });
});
