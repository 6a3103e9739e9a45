/** One section of a test file on a scratch database: statements are carried out, and queries must hold. */
import { accept } from "../core/sql/cursor.ts";
import type { Statement } from "../core/sql/statements.ts";
import type { Connection, Result } from "../database/connection.ts";
import { INSUFFICIENT_PRIVILEGE } from "../database/sqlstate.ts";
import { DatabaseError, GodwitError, type Problem } from "../errors.ts";
import { becomesSuperuser } from "../rehearsal/rights.ts";
import { placeAt } from "../source/place.ts";
import type { TestFile, TestSection } from "../source/test-file.ts";

export interface SectionResult {
  /** How many expectations held. */
  readonly held: number;
  /** The first thing that failed. */
  readonly problem: Problem | null;
}

export async function runSection(
  connection: Connection,
  file: TestFile,
  section: TestSection,
  { isLimited }: { readonly isLimited: boolean },
): Promise<SectionResult> {
  let held = 0;
  for (const statement of file.sections[section]) {
    let results: readonly Result[];
    try {
      const text = isLimited ? withoutSuperuser(statement.text) : statement.text;
      results = await connection.execute(text, { rows: "by position" });
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      const lacks = error instanceof DatabaseError && error.sqlState === INSUFFICIENT_PRIVILEGE;
      const because = lacks
        ? `failed, without the rights of a superuser: ${error.message}`
        : `failed: ${error.message}`;
      return { held, problem: failed(file, statement, because) };
    }
    const result = results.at(-1);
    if (result === undefined || !isExpectation(statement, result)) continue;
    const because = notHolding(result);
    if (because !== null) return { held, problem: failed(file, statement, because) };
    held++;
  }
  return { held, problem: null };
}

/** Who goes back to the superuser goes back to the role that migrations run as, which owns what the superuser owns. */
function withoutSuperuser(text: string): string {
  if (!becomesSuperuser(text)) return text;
  return /^\s*set\s+local\b/i.test(text) ? "set local role none" : "set role none";
}

function isExpectation({ text }: Statement, { command }: Result): boolean {
  const starts = ["select", "values", "table", "with"].some((word) => accept({ text, at: 0 }, word));
  return (starts || text.startsWith("(")) && command === "SELECT";
}

/** As for `checks`: the first column of each row is true, or no boolean; and there is a row. */
function notHolding({ rows }: Result): string | null {
  if (rows.length === 0) return "returned no row";
  for (const row of rows) {
    const [first, ...others] = Object.values(row);
    if (first !== false && first !== null) continue;
    const shown = others.map((value) => (typeof value === "string" ? `'${value}'` : String(value)));
    return `returned ${[String(first), ...shown].join(", ")}`;
  }
  return null;
}

function failed({ file, text }: TestFile, { start }: Statement, because: string): Problem {
  const place = placeAt(file, text, start);
  return {
    code: "TEST_FAILED",
    message: `${file}:${place.line}: the statement ${because.replace(/\.$/, "")}.`,
    hint: "A query holds if the first column of each row is true, or no boolean. Correct the migration or its test.",
    place,
  };
}
