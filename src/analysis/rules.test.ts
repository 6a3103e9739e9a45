/** Each rule of the table refuses its bad files, and accepts its good ones. */
import { describe, expect, test } from "vitest";
import { LEVELS } from "./finding.ts";
import { below, lintFiles } from "./lint.fixture.ts";
import type { Example } from "./rules/rule.ts";
import { REMARKS, RULES } from "./rules/rules.ts";
import { SQUAWK_DEFAULTS, SQUAWK_RULES } from "./squawk/rules.ts";

/** What a module of an example imports. */
const IMPORTED = {
  "src/models/shop.ts": "export const slug = (text: string) => text;\n",
  "migrations/helpers/slug.ts": "export const slug = (text: string) => text;\n",
};

const rulesIn = async ({ files, server = 18 }: Example) =>
  (await lintFiles({ ...IMPORTED, ...below(files) }, { server })).findings
    .map(({ rule }) => rule)
    .filter((rule) => !rule.startsWith("squawk/"));

describe.each(RULES.map((rule) => [rule.id, rule] as const))("%s", (id, { bad, good, ...rule }) => {
  test("finds its bad example, and not its good one", async () => {
    expect(await rulesIn(bad)).toContain(id);
    expect(await rulesIn(good)).not.toContain(id);
  });

  test("says what it finds, why, and the safer way, in sentences", () => {
    for (const text of [rule.what, rule.why, rule.safer]) expect(text).toMatch(/^[A-Z`].*\.$/s);
    expect(LEVELS).toContain(rule.level);
  });
});

test("no two rules have the same id", () => {
  const ids = [...RULES, ...REMARKS].map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
  const squawk = [...SQUAWK_RULES.map(({ id }) => id), ...SQUAWK_DEFAULTS];
  expect(squawk).toEqual([...new Set(squawk)]);
});
