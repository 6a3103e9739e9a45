/** What counts as proven, and what is told where nothing does. */
import { PlanRefused } from "../errors.ts";
import type { SchemaDiff } from "./diff.ts";

/** In one transaction, and with nothing left. */
export function isProven({ refused, left, statements }: SchemaDiff): boolean {
  return (
    refused === null && left.length === 0 && statements.every(({ transaction }) => transaction === "any")
  );
}

export function unproven(left: readonly string[], what: string): PlanRefused {
  const [first = "", ...more] = left;
  const others = more.length === 0 ? "" : ` (and ${more.length} more)`;
  return new PlanRefused([
    {
      code: "DIFF_UNPROVEN",
      message: `No statements were found that are proven (${what}). What is left: ${first}${others}`,
      hint: "Write the migration by hand. Where a table is what is left, --exclude leaves it out.",
      details: { left },
    },
  ]);
}
