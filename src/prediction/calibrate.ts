/**
 * Carries the statements of a plan out once more on the scratch server, and measures them. The tables have the target's shape
 * and generated rows. What fails there, by a constraint that made-up rows do not keep for example, has no prediction.
 *
 * What decides the time besides rows is as on the target: memory and workers of index builds, and what is logged. Where the rows
 * are a part of those of the target, the memory is the same part of its memory.
 */
import { identifier, literal } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { RehearsedStatement } from "../rehearsal/report.ts";
import { extrapolated } from "./extrapolate.ts";
import type { LiveRelation } from "./live.ts";
import type { ForeignKey } from "./references.ts";
import { referencesOf } from "./references.ts";
import { nameOf, rowBytes, rowsOf, tableOf } from "./rows.ts";
import type { Shape, Shapes } from "./shape.ts";
import { pageMs } from "./speed.ts";
import { attempt, timeOf } from "./time.ts";
import { runsMore, type Triggered } from "./triggers.ts";
import { memoryKbFor, workersFor } from "./workers.ts";

/** Of generated rows: enough that a second is not measured by a millisecond. */
const MOST_BYTES = 48 * 1024 ** 2;
const MOST_BYTES_IN_ALL = 128 * 1024 ** 2;
const STATEMENT_TIMEOUT = "30s";

/** The time for a page of a smaller table says little: that of the largest one is taken. */
const FEW_PAGES = 1000;

interface Filled {
  readonly relation: string;
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
  /** Those that are there after the plan. */
  readonly foreignKeys: readonly ForeignKey[];
  readonly triggered: readonly Triggered[];
}

/** In milliseconds, on the target. Those of which nothing is known are left out. */
export async function calibrate(
  open: () => Promise<Connection>,
  statements: readonly RehearsedStatement[],
  calibration: Calibration,
): Promise<ReadonlyMap<RehearsedStatement, number>> {
  const filled = await fillAll(open, statements, calibration);
  // As that of a run, this session has not touched the tables yet.
  await using connection = await open();
  return await timesOf(connection, statements, { ...calibration, filled });
}

async function fillAll(
  open: () => Promise<Connection>,
  statements: readonly RehearsedStatement[],
  { shapes, relations, foreignKeys }: Calibration,
): Promise<ReadonlyMap<string, Filled>> {
  await using connection = await open();
  const needed = neededBy(statements, shapes.tables);
  const most = Math.min(MOST_BYTES, MOST_BYTES_IN_ALL / Math.max(1, needed.length));
  await connection.execute(settingsOf(shapes));
  const sizes = needed.flatMap((shape) => {
    const live = relations.find(({ relation }) => relation === shape.relation);
    return live === undefined ? [] : [sizeOf(shape, live, most)];
  });
  const filled = new Map<string, Filled>();
  for (const size of sizes) {
    const workers = workersFor(size.pages, shapes.settings, size.shape.parallelWorkers);
    const references = referencesOf(size.shape, foreignKeys, sizes);
    const speed = await fill(connection, size.shape, { rows: size.rows, workers, references });
    if (speed !== undefined)
      filled.set(size.shape.relation, { ...size, relation: size.shape.relation, pageMs: speed });
  }
  for (const shape of needed)
    for (const { name, definition } of shape.constraints)
      await attempt(
        connection,
        `alter table ${nameOf(shape)} add constraint ${identifier(name)} ${definition}`,
      );
  // As a table in use has been: what is read as a whole for the first time is slow.
  for (const shape of needed) await attempt(connection, `select pg_catalog.count(*) from ${nameOf(shape)}`);
  // On the target few pages have changed since the last one, so a page that is changed is logged as a whole.
  await attempt(connection, "checkpoint");
  return filled;
}

async function timesOf(
  connection: Connection,
  statements: readonly RehearsedStatement[],
  { shapes, targetPageMs, triggered, filled }: Calibration & { readonly filled: ReadonlyMap<string, Filled> },
): Promise<ReadonlyMap<RehearsedStatement, number>> {
  await connection.execute(settingsOf(shapes));
  await attempt(connection, `set search_path = ${shapes.searchPath === "" ? "''" : shapes.searchPath}`);
  const [largestOfAll] = [...filled.values()].sort((a, b) => b.pages - a.pages);
  const predicted = new Map<RehearsedStatement, number>();
  for (const statement of statements) {
    if (statement.state !== "rehearsed") continue;
    const tables = isWork(statement)
      ? workedOn(statement, shapes.tables).flatMap((name) => filled.get(name) ?? [])
      : [];
    const [largest] = tables.sort((a, b) => b.pages - a.pages);
    if (largest !== undefined) await connection.execute(memoryFor(largest, shapes));
    const ms = await timeOf(connection, statement.text);
    if (ms === null || largest === undefined) continue;
    // None of that runs here.
    const names = tables.map(({ relation }) => relation);
    if (runsMore(statement.text, names, triggered)) continue;
    const timed = largest.pages < FEW_PAGES ? (largestOfAll ?? largest) : largest;
    const measured = {
      ...{ ms, rows: largest.rows, pageMs: timed.pageMs, emptyMs: statement.durationMs },
      isBuild: statement.builds.length > 0,
    };
    const wanted = {
      ...{ rows: largest.wantedRows, pages: largest.pages },
      pageMs: targetPageMs.get(timed.relation) ?? null,
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

/** The tables whose size its duration depends on. An index that is built anew is as large as its table. */
export function worked({ rewrites, scans, locks }: RehearsedStatement): readonly string[] {
  const indexes = new Set(locks.flatMap(({ kind, relation }) => (kind === "index" ? [relation] : [])));
  const known = [...rewrites, ...scans].filter((name) => !indexes.has(name));
  // The other side of a foreign key is read too, once there are rows that ask for it.
  const others = locks.filter(({ mode }) => mode === "ROW SHARE" || mode === "SHARE ROW EXCLUSIVE");
  return known.length > 0
    ? [...new Set([...known, ...others.map(({ relation }) => relation)])]
    : locks
        .filter(({ kind, mode }) => kind !== "index" && mode !== "ACCESS SHARE")
        .map(({ relation }) => relation);
}

/** The tables of which rows are made. */
export function neededBy(
  statements: readonly RehearsedStatement[],
  shapes: readonly Shape[],
): readonly Shape[] {
  const names = new Set(statements.filter(isWork).flatMap((one) => workedOn(one, shapes)));
  return shapes.filter(({ relation }) => names.has(relation));
}

/** Where the statement is one of a partitioned table, that one stands for all its partitions. */
function workedOn(statement: RehearsedStatement, shapes: readonly Shape[]): readonly string[] {
  const locked = new Set(statement.locks.map(({ relation }) => relation));
  const names = worked(statement).map((name) => {
    const root = shapes.find(({ relation }) => relation === name)?.root ?? null;
    return root !== null && locked.has(root) ? root : name;
  });
  return [...new Set(names)];
}

interface Size {
  readonly shape: Shape;
  /** Of those that are made. */
  readonly rows: number;
  readonly wantedRows: number;
  readonly pages: number;
}

function sizeOf(shape: Shape, live: LiveRelation, most: number): Size {
  const bytes = live.bytes + live.toastBytes;
  const wantedRows = live.rows ?? Math.round(bytes / rowBytes(shape));
  const each = wantedRows > 0 ? Math.max(24, bytes / wantedRows) : rowBytes(shape);
  return { shape, wantedRows, rows: Math.min(wantedRows, Math.floor(most / each)), pages: live.bytes / 8192 };
}

interface Filling {
  readonly rows: number;
  readonly workers: number;
  readonly references: ReturnType<typeof referencesOf>;
}

/** Returns the milliseconds for a page of it. `undefined`: no such table could be made. */
async function fill(
  connection: Connection,
  shape: Shape,
  { rows, workers, references }: Filling,
): Promise<number | null | undefined> {
  if ((await attempt(connection, tableOf(shape))) === null) return undefined;
  if (rows > 0 && (await attempt(connection, rowsOf(shape, rows, references))) === null) return undefined;
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
  // The number is taken as it is, also where there is less memory than the server would want for it.
  await attempt(connection, `alter table ${nameOf(shape)} set (parallel_workers = ${workers})`);
  const sized = await connection.query<{ bytes: number }>(
    "select pg_catalog.pg_relation_size($1::pg_catalog.regclass)::float8 as bytes",
    [nameOf(shape)],
  );
  return pageMs(connection, { table: nameOf(shape), bytes: sized.rows[0]?.bytes ?? 0 });
}

/** Those of the target, and nothing of what the rehearsal before it has changed. */
function settingsOf({ settings }: Shapes): string {
  const same = ["work_mem", "jit", "wal_compression", "max_parallel_maintenance_workers"].flatMap((name) => {
    const value = settings[name];
    return value === undefined
      ? []
      : [`set ${name} = ${literal(name === "work_mem" ? `${value}kB` : value)}`];
  });
  return [
    `set statement_timeout = '${STATEMENT_TIMEOUT}'`,
    "set session_replication_role = replica",
    ...["indexscan", "indexonlyscan", "bitmapscan"].map((kind) => `set enable_${kind} = on`),
    ...same,
  ].join(";\n");
}

function memoryFor({ rows, wantedRows }: Filled, { settings }: Shapes): string {
  const part = wantedRows === 0 ? 1 : rows / wantedRows;
  return `set maintenance_work_mem = '${memoryKbFor(part, settings)}kB'`;
}
