/**
 * Every app with every fate of its migrations and every signal, under each first process: the app's exit code comes out, no
 * zombie stays and nothing survives. `GODWIT_TEST_MATRIX=all` runs every cell, else a part that changes with the day;
 * with `GODWIT_TEST_WRITE=1` the table is written to `docs/internals/service.md`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe } from "vitest";
import { root } from "../../scripts/fresh.mjs";
import { expect, test } from "../support/database.ts";
import {
  APPS,
  type Cell,
  expectedCode,
  type FirstProcess,
  isHere,
  MIGRATIONS,
  outcomeOf,
  SIGNALS,
} from "../support/supervised.ts";

const FIRST: readonly FirstProcess[] = [
  ...(["tini", "godwit-init", "another"] as const),
  ...(["godwit-run", "tini before godwit-run"] as const),
];
const AT_ONCE = 4;
const isWhole = process.env.GODWIT_TEST_MATRIX === "all" || process.env.GODWIT_TEST_WRITE === "1";
/** One of six of the cells, so that each app, fate, signal and first process comes up in every run. */
const day = Math.floor(Date.now() / 86_400_000);
const found = new Map<string, Set<string>>();

type Plan = Omit<Cell, "db" | "name">;
const keyOf = ({ app, signal, migrations }: Plan) => `${app}|${signal}|${migrations}`;

describe.for(FIRST)("where the first process is %s", (first) => {
  test.skipIf(!isHere(first)).for(APPS)("an app that %s", { timeout: 300_000 }, async (app, { db }) => {
    const all = SIGNALS.flatMap((signal, s) =>
      MIGRATIONS.map((migrations, m) => ({ plan: { app, signal, migrations, first }, at: m + 2 * s })),
    );
    const shift = day + APPS.indexOf(app) + 3 * FIRST.indexOf(first);
    const plans = all.filter(({ at }) => isWhole || (at + shift) % 6 === 0).map(({ plan }) => plan);
    const left = [...plans.entries()];
    const outcomes = new Map<string, string>();
    const work = async () => {
      // Each asks on a connection of its own: one answers one question at a time.
      const client = await db.connect({ as: "superuser" });
      const admin: typeof db.admin = async (text, values) =>
        (await client.query(text, values === undefined ? undefined : [...values])).rows;
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        const [n, plan] = next;
        outcomes.set(keyOf(plan), await outcomeOf({ ...plan, db: { ...db, admin }, name: `cell_${n}` }));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    for (const plan of plans) {
      const outcome = outcomes.get(keyOf(plan)) ?? "";
      found.set(keyOf(plan), (found.get(keyOf(plan)) ?? new Set()).add(outcome));
    }
    const expected = plans.map((plan) => [keyOf(plan), String(expectedCode(app, plan.signal))]);
    expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected));
  });
});

test("the page has this table", () => {
  const page = join(root, "docs/internals/service.md");
  const text = readFileSync(page, "utf8");
  const [head, tail] = ["<!-- matrix -->\n", "<!-- end of matrix -->\n"];
  const start = text.indexOf(head) + head.length;
  const end = text.indexOf(tail);
  if (process.env.GODWIT_TEST_WRITE === "1")
    writeFileSync(
      page,
      text.slice(0, start) + tableOf((key) => [...(found.get(key) ?? [])].join(" / ")) + text.slice(end),
    );
  else {
    // What was not run today is what it must be.
    const lines = tableOf((_, plan) => String(expectedCode(plan.app, plan.signal)));
    expect(text.slice(start, end)).toBe(lines);
  }
});

function tableOf(cell: (key: string, plan: Plan) => string): string {
  const rows = APPS.flatMap((app) =>
    SIGNALS.map((signal) => {
      const cells = MIGRATIONS.map((migrations) => {
        const plan: Plan = { app, signal, migrations, first: "another" };
        return cell(keyOf(plan), plan);
      });
      return `| ${app} | ${signal ?? "none"} | ${cells.join(" | ")} |`;
    }),
  );
  return `| the app | signal | ${MIGRATIONS.join(" | ")} |\n|${" --- |".repeat(MIGRATIONS.length + 2)}\n${rows.join("\n")}\n`;
}
