/** Folders of other tools are linted where they lie: each finding has its place in the author's file. */
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { TOOL_TABLES } from "../support/tool-tables.ts";

const INDEX = "create index i on t (a);";

/** Tools with a checksum in the file itself: the statement is there from the beginning. */
const SEALED = ["graphile-migrate"];

test.for(TOOL_TABLES.filter(({ layout, tool }) => layout !== "plain" && !SEALED.includes(tool)))(
  "$tool",
  async ({ layout, files }) => {
    const all = files([1, 2]);
    const last = Object.keys(all)
      .filter((name) => name.endsWith(".sql") && !name.includes("down") && !/^(?:revert|verify)\//.test(name))
      .sort()
      .at(-1);
    const text = `${all[last ?? ""]?.trimEnd()}\n${INDEX}\n`;
    const folder = folderOf({ ...all, [last ?? ""]: text });
    const godwit = commandIn({ folder });
    const { json } = await godwit.fails(1, "lint", "--dir", ".", "--layout", layout, "--json");
    expect(json.notUnderstood).toEqual([]);
    expect(json.squawk).toEqual({ used: true });
    const line = text.split("\n").indexOf(INDEX) + 1;
    const places = json.findings
      .filter(({ rule }: { rule: string }) => rule === "index-without-concurrently")
      .map((each: { file: string; line: number; column: number }) => [each.file, each.line, each.column]);
    expect(places).toEqual([[last, line, 1]]);
    expect(json.findings.map(({ rule }: { rule: string }) => rule)).not.toContain("broken-file");
  },
);
