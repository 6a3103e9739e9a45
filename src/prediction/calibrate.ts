/**
 * Carries the statements of a plan out once more on the scratch server, and measures them. The tables have the target's shape
 * and generated rows. What fails there, by a constraint that made-up rows do not keep for example, has no prediction.
 */
import { identifier, literal } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { DatabaseError } from "../errors.ts";
import type { RehearsedStatement } from "../rehearsal/report.ts";
import { extrapolated } from "./extrapolate.ts";
import type { LiveRelation } from "./live.ts";
import { nameOf, rowBytes, rowsOf, tableOf } from "./rows.ts";
import type { Shape, Shapes } from "./shape.ts";
import { pageMs } from "./speed.ts";

/** Of generated rows: enough that a second is not measured by a millisecond. */
const MOST_BYTES = 48 * 1024 ** 2;
const MOST_BYTES_IN_ALL = 128 * 1024 ** 2;
const STATEMENT_TIMEOUT = "30s";

interface Filled {
  readonly rows: number;
  readonly wantedRows: number;
  readonly pages: number;
  readonly pageMs: number | null;
}

export interface Calibration {
  readonly shapes: Shapes;
  readonly relations: readonly LiveRelation[];
  /** For a page, on the target. */
  readonly targetPageMs: ReadonlyMap<string, number | null>;
}

/** In milliseconds, on the target. Those of which nothing is known are left out. */
export async function calibrate(
  connection: Connection,
  statements: readonly RehearsedStatement[],
  { shapes, relations, targetPageMs }: Calibration,
): Promise<ReadonlyMap<RehearsedStatement, number>> {
  const most = Math.min(MOST_BYTES, MOST_BYTES_IN_ALL / Math.max(1, shapes.tables.length));
  await connection.execute(
    `set statement_timeout = '${STATEMENT_TIMEOUT}'; set session_replication_role = replica;
set maintenance_work_mem = ${literal(shapes.maintenanceWorkMem)}; set max_parallel_maintenance_workers = ${Number(shapes.maintenanceWorkers)}`,
  );
  const filled = new Map<string, Filled>();
  for (const shape of shapes.tables) {
    const live = relations.find(({ relation }) => relation === shape.relation);
    if (live === undefined) continue;
    const one = await fill(connection, { shape, live, most });
    if (one !== null) filled.set(shape.relation, one);
  }
  for (const shape of shapes.tables)
    for (const { name, definition } of shape.constraints)
      await attempt(
        connection,
        `alter table ${nameOf(shape)} add constraint ${identifier(name)} ${definition}`,
      );
  await attempt(connection, `set search_path = ${shapes.searchPath === "" ? "''" : shapes.searchPath}`);
  const predicted = new Map<RehearsedStatement, number>();
  for (const statement of statements) {
    if (statement.state !== "rehearsed") continue;
    const ms = await attempt(connection, statement.text);
    const tables = isWork(statement) ? worked(statement).flatMap((name) => filled.get(name) ?? []) : [];
    const [largest] = tables.sort((a, b) => b.pages - a.pages);
    if (ms === null || largest === undefined) continue;
    const [name] = [...filled].find(([, one]) => one === largest) ?? [];
    const measured = {
      ...{ ms, rows: largest.rows, pageMs: largest.pageMs, emptyMs: statement.durationMs },
      isBuild: statement.builds.length > 0,
    };
    const wanted = {
      ...{ rows: largest.wantedRows, pages: largest.pages },
      pageMs: (name === undefined ? null : targetPageMs.get(name)) ?? null,
    };
    predicted.set(statement, extrapolated(measured, wanted));
  }
  return predicted;
}

/** Whether it takes longer, the more rows there are. */
export function isWork({ text, rewrites, scans, builds }: RehearsedStatement): boolean {
  const changesAll = /^\s*(?:update|delete)\b/i.test(text) && !/\bwhere\b/i.test(text);
  return rewrites.length + scans.length + builds.length > 0 || changesAll;
}

/** The tables whose size its duration depends on. */
export function worked({ rewrites, scans, locks }: RehearsedStatement): readonly string[] {
  const known = [...rewrites, ...scans];
  return known.length > 0
    ? known
    : locks
        .filter(({ kind, mode }) => kind !== "index" && mode !== "ACCESS SHARE")
        .map(({ relation }) => relation);
}

async function fill(
  connection: Connection,
  { shape, live, most }: { readonly shape: Shape; readonly live: LiveRelation; readonly most: number },
): Promise<Filled | null> {
  const bytes = live.bytes + live.toastBytes;
  const wantedRows = live.rows ?? Math.round(bytes / rowBytes(shape));
  const each = wantedRows > 0 ? Math.max(24, bytes / wantedRows) : rowBytes(shape);
  const rows = Math.min(wantedRows, Math.floor(most / each));
  if ((await attempt(connection, tableOf(shape))) === null) return null;
  if (rows > 0 && (await attempt(connection, rowsOf(shape, rows))) === null) return null;
  for (const definition of shape.indexes)
    if ((await attempt(connection, definition)) === null)
      await attempt(connection, definition.replace(/^CREATE UNIQUE/, "CREATE"));
  // A foreign key that names no column asks for it.
  if (shape.primary !== null)
    await attempt(
      connection,
      `alter table ${nameOf(shape)} add primary key using index ${identifier(shape.primary)}`,
    );
  await attempt(connection, `vacuum (analyze) ${nameOf(shape)}`);
  const sized = await connection.query<{ bytes: number }>(
    "select pg_catalog.pg_relation_size($1::pg_catalog.regclass)::float8 as bytes",
    [nameOf(shape)],
  );
  const made = sized.rows[0]?.bytes ?? 0;
  const speed = await pageMs(connection, { table: nameOf(shape), bytes: made });
  return { rows, wantedRows, pages: live.bytes / 8192, pageMs: speed };
}

/** How long it took. `null`: the server refuses it. */
async function attempt(connection: Connection, text: string): Promise<number | null> {
  const began = performance.now();
  try {
    await connection.execute(text, { rows: "discard" });
    return performance.now() - began;
  } catch (error) {
    if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
    await connection.execute("rollback");
    return null;
  }
}
