/** What user code and the server say is shown within our lines: it moves no cursor and stands for no line of ours. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

const FORGED = String.raw`aa\r\x1b[2K✓ 0002_forged applied\n✓ 0003_forged applied\x9b2J\u202e`;
const moduleOf = (body: string) => `export async function up({ sql, log }) { ${body} }`;

describe("no line is forged", () => {
  test.for<[name: string, text: string, top?: string]>([
    ["by log.info", moduleOf(`log.info("${FORGED}");`)],
    ["by log.error", moduleOf(`log.error("${FORGED}");`)],
    ["by console.log", moduleOf(`console.log("${FORGED}");`)],
    ["by console.error at the top", moduleOf(""), `console.error("${FORGED}");\n`],
    ["by a notice", moduleOf(`await sql\`do $$ begin raise notice e'${FORGED}'; end $$\`;`)],
    ["by an error", moduleOf(`throw new Error("${FORGED}");`)],
    [
      "by an error of the server and its detail",
      moduleOf(
        `await sql\`do $$ begin raise exception e'${FORGED}' using detail = e'${FORGED}', hint = e'${FORGED}'; end $$\`;`,
      ),
    ],
  ])("%s", async ([, text, top = ""], { db }) => {
    const folder = folderOf({ "migrations/0001_a.mjs": top + text });
    const { stderr } = await commandIn({ folder, url: db.url }).start("up", "--verbose").exits(0, 1);
    expect(stderr).toContain("forged");
    expect(stderr).not.toMatch(/^✓ 000[23]/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
  });
});
