/** `docs/internals/systems.md`: each line of four systems, and the tests whose titles have its number. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { SYSTEMS, VARIABLES } from "./lines.ts";

const PAGE = join(root, "docs", "internals", "systems.md");
const TITLE =
  /\btest(?:\.\w+(?:\([^)\n]*\))?)*\(\s*(["`])SYSTEMS (\d\.\d+(?:, \d\.\d+)*): ((?:(?!\1)[^\n])+)\1/g;

interface Claim {
  readonly numbers: readonly string[];
  readonly title: string;
  /** From `test/`. */
  readonly file: string;
}

const claims: readonly Claim[] = readdirSync(join(root, "test"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.ts"))
  .sort()
  .flatMap((file) =>
    [...readFileSync(join(root, "test", file), "utf8").matchAll(TITLE)].map(
      ([, , numbers = "", title = ""]) => ({ numbers: numbers.split(", "), title, file }),
    ),
  );
const lines = SYSTEMS.flatMap((system) => system.lines);
const claimsOf = (number: string) => claims.filter(({ numbers }) => numbers.includes(number));

test("every line is asserted by a test with its number, or said to come later", () => {
  const bare = lines.filter(({ number, later }) => later === undefined && claimsOf(number).length === 0);
  expect(bare.map(({ number, promise }) => `${number} ${promise}`)).toEqual([]);
});

test("every number in a title is that of a line", () => {
  const known = new Set(lines.map(({ number }) => number));
  expect(claims.flatMap(({ numbers }) => numbers).filter((number) => !known.has(number))).toEqual([]);
});

test("every variable is in a line", () => {
  const text = lines.map(({ promise }) => promise).join("\n");
  expect(VARIABLES.filter((name) => !text.includes(`\`${name}`))).toEqual([]);
});

test("the page has these lines and tests (GODWIT_TEST_WRITE=1 writes it)", () => {
  if (process.env.GODWIT_TEST_WRITE === "1") writeFileSync(PAGE, pageText());
  expect(readFileSync(PAGE, "utf8")).toBe(pageText());
});

function pageText(): string {
  const tables = SYSTEMS.map(({ title, lines: own }) => {
    const rows = own.map(({ number, promise, later }) => {
      const tests = claimsOf(number).map(({ title: text, file }) => `[${text}](../../test/${file})`);
      return `| ${number} | ${promise} | ${[...tests, ...(later === undefined ? [] : [later])].join("; ")} |`;
    });
    return [`## ${title}`, "", "| | promise | asserted by |", "| --- | --- | --- |", ...rows].join("\n");
  });
  return `${INTRODUCTION}\n\n${tables.join("\n\n")}\n`;
}

const INTRODUCTION = `# The systems that Godwit replaces, line by line

Each team's own migration service promised something. Each promise has a number here, and the tests that assert it have the number in
their titles: \`SYSTEMS 1.3: …\`. \`test/systems/page.test.ts\` writes this page from the titles and fails when a line has no test. What comes
later is said to. System 4, Brands in Blooms, has its lines in [the README of its example](../../examples/brands-in-blooms/README.md).`;
