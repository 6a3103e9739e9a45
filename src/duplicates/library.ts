/** Loads and groups the whole library: the files that have company, their links, and what people decided. */
import type { Connection } from "../database/connection.ts";
import type { Candidate, CompareColours, Link, Verdict } from "./candidates.ts";
import { type Colours, colourDistance, coloursOf } from "./colours.ts";
import { type Grouping, groupDuplicates } from "./group.ts";
import type { Limits } from "./limits.ts";
import type { DuplicateSql } from "./sql.ts";

export interface Library extends Grouping {
  /** Files that have company. */
  readonly candidates: ReadonlySet<number>;
  /** Contents of files that have company, by file. */
  readonly contentOf: ReadonlyMap<number, number>;
  readonly compareColours: CompareColours;
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
  const compareColours = await readColours(connection, sql, files.rows);
  const grouping = groupDuplicates({
    files: files.rows,
    links: links.rows,
    verdicts: verdicts.rows,
    limits,
    compareColours,
  });
  return {
    ...grouping,
    candidates: new Set(files.rows.map(({ id }) => id)),
    contentOf: new Map(files.rows.map(({ id, content }) => [id, content])),
    compareColours,
  };
}

/**
 * Reads the grids. They stay bytes until they are compared. Prepared ones are cached, because an oldest file is
 * compared often.
 */
async function readColours(
  connection: Connection,
  sql: DuplicateSql,
  files: readonly Candidate[],
): Promise<CompareColours> {
  const { rows: tables } = await connection.query<{ there: boolean }>(sql.hasColours());
  if (tables[0]?.there !== true) return () => null;
  const contents = [...new Set(files.map(({ content }) => content))];
  const grids = new Map<number, { readonly bytes: Uint8Array; readonly side: number }>();
  for (let from = 0; from < contents.length; from += COLOURS_AT_ONCE) {
    const some = contents.slice(from, from + COLOURS_AT_ONCE);
    const { rows } = await connection.query<{ content: number; grid: string; side: number }>(sql.colours(), [
      some,
    ]);
    for (const { content, grid, side } of rows) grids.set(content, { bytes: Buffer.from(grid, "hex"), side });
  }
  const prepared = new Map<number, Colours | null>();
  const read = (content: number) => {
    const known = prepared.get(content);
    if (known !== undefined) return known;
    const grid = grids.get(content);
    const colours = grid === undefined ? null : coloursOf(grid.bytes, grid.side);
    if (prepared.size >= PREPARED) prepared.clear();
    prepared.set(content, colours);
    return colours;
  };
  return (left, right) => {
    const [one, other] = [read(left), read(right)];
    return one === null || other === null ? null : colourDistance(one, other);
  };
}

/** How many prepared grids are cached, of 10 kB each. */
const PREPARED = 2_048;
const COLOURS_AT_ONCE = 10_000;
