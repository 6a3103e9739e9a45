/** The page of what a diff can do is made from what the tests beside it expect. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { OBJECT_CHANGES } from "../schema/object-changes.ts";
import { TABLE_CHANGES } from "../schema/table-changes.ts";
import { LEFT_OF_OBJECTS, LEFT_OF_TABLES, SEEN_BY_DUMP_ALONE } from "./outcomes.ts";

const HEAD = `# What a diff makes

Each of these changes goes through \`godwit diff\` in a test: the statements are carried out, the result is compared with the desired schema, and the
way back likewise. *Equal* means that both comparisons found nothing. Of the others, what is left is named, and \`godwit new --autogenerate\` refuses to
write. The order of columns is the exception: it is said, and no reason to refuse.

The second judge is \`pg_dump --schema-only\` of PostgreSQL 15: of each change that is *equal*, its output for both databases is the same text, there and
back. Where it is not, the table says why. Changes that PostgreSQL 15 does not know are judged by the comparison alone.

| change | result | pg_dump |
| --- | --- | --- |
`;

function dumpOf(name: string, since = 0): string {
  if (since > 15) return "not asked";
  return SEEN_BY_DUMP_ALONE[name] === undefined ? "the same" : (WHY[name] ?? "different");
}

const WHY: Readonly<Record<string, string>> = {
  "storage parameters": "the parameters in another order",
  "a list of values of a varchar": "the list as PostgreSQL writes it once it was read again",
};

test("the page of what a diff makes is what the tests expect", async () => {
  const left = { ...LEFT_OF_TABLES, ...LEFT_OF_OBJECTS };
  const rows = [...TABLE_CHANGES, ...OBJECT_CHANGES].map(({ name, since }) => {
    const what = left[name];
    const major = since === undefined ? "" : ` (PostgreSQL ${since})`;
    const result = what === undefined ? "equal" : what.map((text) => `\`${text}\``).join(", ");
    return `| ${name}${major} | ${result} | ${what === undefined ? dumpOf(name, since) : ""} |\n`;
  });
  await expect(HEAD + rows.join("")).toMatchFileSnapshot(join(root, "docs", "reference", "diff.md"));
});
