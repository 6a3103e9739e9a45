/** Whatever ends a module is shown where its author wrote it, not where the compiler put it. */
import { describe } from "vitest";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";

/** The compiler takes the type away, and every line moves up. */
const TYPES = "interface Row {\n  id: number;\n  name: string;\n}\n\n";
const HANG = "await new Promise(() => {});";
const moduleOf = (body: string) =>
  `${TYPES}export async function up({ sql }: any) {\n  const rows: Row[] = [];\n  ${body}\n}\n`;

describe("the place of a module that", () => {
  test.for<[name: string, args: string, text: string, line: number, caret: string]>([
    ["calls process.exit", "up", moduleOf("process.exit(rows.length);"), 8, "exit("],
    ["calls it in a dry run", "up --dry-run", moduleOf("process.exit(3);"), 8, "exit("],
    ["calls it under --sql", "up --sql", moduleOf("process.exit(3);"), 8, "exit("],
    ["calls it at its top", "up", `${TYPES}process.exit(3);\n${moduleOf("")}`, 6, "exit("],
    ["calls it in a timer", "up", moduleOf(`setTimeout(() => process.exit(0)); ${HANG}`), 8, "exit("],
    [
      "throws in a timer",
      "up",
      moduleOf(`setTimeout(() => { throw new Error("stray"); }); ${HANG}`),
      8,
      'new Error("stray")',
    ],
    [
      "rejects unseen",
      "up",
      moduleOf(`void Promise.reject(new Error("unseen")); ${HANG}`),
      8,
      'new Error("unseen")',
    ],
    [
      "throws in a timer at its top",
      "plan",
      `${TYPES}setTimeout(() => { throw new Error("stray"); });\n${HANG}\n${moduleOf("")}`,
      6,
      'new Error("stray")',
    ],
  ])("%s (godwit %s)", async ([, args, text, line, caret], { db }) => {
    const folder = folderOf({ "migrations/0001_a.ts": text });
    const { json } = await commandIn({ folder, url: db.url }).fails(1, ...args.split(" "), "--json");
    const [{ place }] = json.problems ?? json.failures;
    expect(place).toMatchObject({ file: "0001_a.ts", line });
    const [shown = "", mark = ""] = place.excerpt.split("\n");
    expect(shown.slice(mark.indexOf("^"))).toMatch(caret);
  });
});

test("a helper outside the folder that exits in a timer is named with its line, and stacks in details are the author's", async ({
  db,
}) => {
  const folder = folderOf({
    "lib/later.ts": `${TYPES}export const later = (what: () => void): void => {\n  setTimeout(() => what());\n};\nexport const exits = (): void => later(() => process.exit(4));\n`,
    "migrations/0001_a.ts": `import { exits } from "../lib/later.ts";\n${moduleOf(`exits(); ${HANG}`)}`,
  });
  const godwit = commandIn({ folder, url: db.url });
  const exit = await godwit.fails(1, "up", "--json");
  expect(exit.json.problems[0].place).toMatchObject({
    file: expect.stringContaining("lib/later.ts"),
    line: 9,
  });
  const other = folderOf({
    "lib/later.ts": `${TYPES}export const throws = (): void => {\n  setTimeout(() => { throw new Error("deep"); });\n};\n`,
    "migrations/0001_a.ts": `import { throws } from "../lib/later.ts";\n${moduleOf(`throws(); ${HANG}`)}`,
  });
  const { json } = await commandIn({ folder: other, url: db.url }).fails(1, "up", "--json");
  const [problem] = json.problems;
  expect(problem.place).toMatchObject({ file: expect.stringContaining("lib/later.ts"), line: 7 });
  expect(problem.details.stack).toMatch(/lib\/later\.ts:7:\d+/);
  expect(problem.details.stack).not.toContain("?godwit=");
});

test("what an earlier module left behind is told where that was written", async ({ db }) => {
  const folder = folderOf({
    "migrations/0001_a.ts": moduleOf('setTimeout(() => { throw new Error("behind"); }, 300);'),
    "migrations/0002_b.ts": moduleOf(HANG),
  });
  const { json } = await commandIn({ folder, url: db.url }).fails(1, "up", "--json");
  expect(json.problems[0]).toMatchObject({
    message: expect.stringContaining("behind"),
    place: { file: "0001_a.ts", line: 8 },
  });
});
