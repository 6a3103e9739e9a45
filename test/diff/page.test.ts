/** The page of what a diff can do is made from what the tests beside it expect. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { OBJECT_CHANGES } from "../schema/object-changes.ts";
import { TABLE_CHANGES } from "../schema/table-changes.ts";
import { LEFT_OF_OBJECTS, LEFT_OF_TABLES } from "./outcomes.ts";

const HEAD = `# What a diff makes

Each of these changes goes through \`godwit diff\` in a test: the statements are carried out, the result is compared with the desired schema, and the
way back likewise. *Equal* means that both comparisons found nothing. Of the others, what is left is named, and \`godwit new --autogenerate\` refuses to
write. The order of columns is the exception: it is said, and no reason to refuse.

| change | result |
| --- | --- |
`;

test("the page of what a diff makes is what the tests expect", async () => {
  const left = { ...LEFT_OF_TABLES, ...LEFT_OF_OBJECTS };
  const rows = [...TABLE_CHANGES, ...OBJECT_CHANGES].map(({ name, since }) => {
    const what = left[name];
    const major = since === undefined ? "" : ` (PostgreSQL ${since})`;
    return `| ${name}${major} | ${what === undefined ? "equal" : what.map((text) => `\`${text}\``).join(", ")} |\n`;
  });
  await expect(HEAD + rows.join("")).toMatchFileSnapshot(join(root, "docs", "reference", "diff.md"));
});
