/** What a folder that does not begin at an empty database fails by, and what is said of it. */
import { DatabaseError } from "../errors.ts";

/** A schema, a table, a column, a function or another object is not there. */
const MISSING = ["3F000", "42P01", "42703", "42883", "42704"];

/** Says it once, and nothing if something else is wrong. */
export function adviseBaseline(error: unknown, notes: string[]): void {
  if (notes.includes(ADVICE)) return;
  for (let one = error; one instanceof Error; one = one.cause)
    if (one instanceof DatabaseError && MISSING.includes(one.sqlState ?? "")) {
      notes.push(ADVICE);
      return;
    }
}

const ADVICE =
  "If these migrations do not begin at an empty database, name what is there before them: baselineSchema and baselineRevision of the configuration.";
