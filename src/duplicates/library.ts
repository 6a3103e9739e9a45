/** What is known of the whole library, grouped: the files that have company, their links and what people decided. */
import type { Connection } from "../database/connection.ts";
import { type Candidate, type Grouping, groupDuplicates, type Link, type Verdict } from "./group.ts";
import type { Limits } from "./limits.ts";
import type { DuplicateSql } from "./sql.ts";

export interface Library extends Grouping {
  /** Files that have company. */
  readonly candidates: ReadonlySet<number>;
}

export async function groupLibrary(
  connection: Connection,
  sql: DuplicateSql,
  limits: Limits,
): Promise<Library> {
  const closeness = [limits.radius, limits.review256];
  const files = await connection.query<Candidate & Record<string, unknown>>(sql.candidates(), closeness);
  const links = await connection.query<Link & Record<string, unknown>>(sql.links(), closeness);
  const verdicts = await connection.query<Verdict & Record<string, unknown>>(sql.decisions());
  const grouping = groupDuplicates({
    files: files.rows,
    links: links.rows,
    verdicts: verdicts.rows,
    limits,
  });
  return { ...grouping, candidates: new Set(files.rows.map(({ id }) => id)) };
}
