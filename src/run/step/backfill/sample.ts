/**
 * How long a backfill will take, and how much WAL it will write: from two windows in a transaction that is rolled back.
 *
 *   begin ─► a small window, rolled back to a savepoint ─► one of about a fifth of a second ─► rollback
 *
 * The timeouts are short, because the rows of a window are locked. What a rollback leaves is named: numbers of sequences,
 * and whatever triggers do outside of the database.
 */
import { type Asking, readAsking } from "../../../backfill/asking.ts";
import type { KeyValue } from "../../../backfill/key.ts";
import { mostRows } from "../../../backfill/pace.ts";
import { upperBound, windowEnd, windowStatement } from "../../../backfill/statement.ts";
import type { BackfillTable } from "../../../backfill/table.ts";
import { FULL } from "../../../backfill/throttle.ts";
import { asciiComments } from "../../../core/sql/comments.ts";
import { literal } from "../../../core/sql/quote.ts";
import type { BackfillSample } from "../../../core/step.ts";
import type { Connection, Result } from "../../../database/connection.ts";
import { DatabaseError, GodwitError } from "../../../errors.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { rowsOf } from "../../../std/number.ts";
import { sessionKind } from "../../session/connect.ts";
import { resetSession, withinFile } from "../../session/settings.ts";
import type { RunContext, Target } from "../../session/target.ts";
import { begin, rollback } from "../../session/transaction.ts";
import type { Body } from "../body.ts";
import type { Prepared } from "../prepared.ts";
import { SKIP_TRIGGERS } from "./opening.ts";
import { refuseSkipping } from "./window.ts";

const FIRST_ROWS = 100;
const MOST_ROWS = 5_000;
const WINDOW_MS = 200;
const LOCK_TIMEOUT = "500ms";
const STATEMENT_TIMEOUT = "2s";

interface Sampled {
  readonly target: Target;
  readonly connection: Connection;
  readonly prepared: Prepared;
  readonly body: Body & { readonly kind: "sql" };
  readonly table: BackfillTable;
  readonly known: BackfillState | null;
}

/**
 * Changes nothing that a rollback does not take back. What PostgreSQL refuses is said in place of figures; where only the
 * larger window is refused, the figures of the first are given, too.
 */
export async function sampleBackfill(
  sampled: Sampled,
  context: RunContext,
): Promise<Pick<Required<SampledOutlook>, "sample" | "unsampled">> {
  const { target, connection, prepared, body } = sampled;
  const none = (unsampled: string) => ({ sample: null, unsampled });
  const { backfill } = body;
  if (body.rows !== undefined || backfill === undefined)
    return none("its rows are changed by a function, which is not called for a plan");
  if (!connection.capabilities.spanning)
    return none("the database is reached without transactions of several messages");
  const reset = resetSession(sessionKind(connection, context), target.settings, prepared.settings);
  const timeouts = `set local lock_timeout = ${literal(LOCK_TIMEOUT)}; set local statement_timeout = ${literal(STATEMENT_TIMEOUT)}`;
  let trying = 0;
  let first: Measured | null = null;
  try {
    await connection.execute(`${begin()} ${withinFile(reset)} ${timeouts}`);
    await refuseSkipping({ connection }, backfill, body.file);
    if (backfill.options.triggers === "skip") await connection.execute(SKIP_TRIGGERS);
    const [answer] = await connection.execute(upperBound(sampled.table));
    const to = (answer?.rows[0]?.key ?? null) as KeyValue | null;
    const range = to === null ? null : await rangeLeft(sampled, to);
    const tried = { ...sampled, ...(await readAsking(connection, sampled.table, body)) };
    await connection.execute("savepoint godwit_sample");
    if (range === null) return none("no row is left for it");
    trying = FIRST_ROWS;
    first = await oneWindow(tried, range, trying);
    if (first === null) return none("no row is left for it");
    await connection.execute("rollback to savepoint godwit_sample");
    const most = Math.min(MOST_ROWS, backfill.windows.maxRows ?? mostRows(sampled.table.estimatedRows, FULL));
    trying = Math.round(Math.min(most, (first.rows / Math.max(1, first.tookMs)) * WINDOW_MS));
    const done = trying > first.rows ? await oneWindow(tried, range, trying) : first;
    return { sample: estimate(done ?? first, sampled), unsampled: null };
  } catch (error) {
    if (!(error instanceof GodwitError) || connection.lost.aborted) throw error;
    const used = trying > 0 ? await usedSequences(connection) : [];
    const gone = used.length === 0 ? "" : `; numbers of ${used.join(", ")} were used up`;
    const why = error instanceof DatabaseError ? `PostgreSQL says: ${error.message}${gone}` : error.message;
    if (first !== null)
      return {
        sample: estimate(first, sampled),
        unsampled: `of up to ${rowsOf(trying)}, failed: ${why}`,
      };
    return none(
      trying === 0 ? why : `a window of up to ${rowsOf(trying)} failed, and was rolled back: ${why}`,
    );
  } finally {
    if (!connection.lost.aborted) await rollback(connection);
  }
}

/** What is left of it. Where several windows run at once, each range has a position, and the first is tried. */
async function rangeLeft(
  { target, connection, prepared, known }: Sampled,
  to: KeyValue,
): Promise<{ readonly from: KeyValue | null; readonly to: KeyValue } | null> {
  if (known === null || known.position !== null)
    return { from: known?.position ?? null, to: known?.bound ?? to };
  const [range] = await target.ledger.ranges(connection, prepared.step.revision);
  return range === undefined ? null : { from: range.position ?? range.lower, to: range.upper };
}

/** Of a window that has failed. The lock of a sequence outlives a savepoint. */
async function usedSequences(connection: Connection): Promise<readonly string[]> {
  return connection
    .execute(`rollback to savepoint godwit_sample; ${SEQUENCES}`)
    .then((answers) => namesIn(answers.at(-1)))
    .catch(() => []);
}

function namesIn(answer: Result | undefined): readonly string[] {
  return ((answer?.rows ?? []) as unknown as readonly { name: string }[]).map(({ name }) => name);
}

type SampledOutlook = { sample: BackfillSample | null; unsampled: string | null };

interface Measured {
  readonly rows: number;
  readonly changed: number;
  readonly tookMs: number;
  readonly walBytes: number;
  readonly triggers: readonly string[];
  readonly sequences: readonly string[];
}

async function oneWindow(
  { connection, body, table, asking }: Sampled & { readonly asking: Asking | null },
  range: { readonly from: KeyValue | null; readonly to: KeyValue },
  rows: number,
): Promise<Measured | null> {
  const at = performance.now();
  const [answer] = await connection.execute(windowEnd(table, range, rows));
  const end = answer?.rows[0] as { readonly key: KeyValue; readonly rows: number } | undefined;
  if (end === undefined) return null;
  const { text } = windowStatement(body.text, table, { asking })({ from: range.from, to: end.key });
  const [explained] = await connection.execute(
    `explain (analyze, wal, timing off, format json) ${asciiComments(text)}`,
  );
  const tookMs = performance.now() - at;
  const [sequences] = await connection.execute(SEQUENCES);
  const [{ Plan: plan, Triggers: fired = [] } = { Plan: {} }] = Object.values(
    explained?.rows[0] ?? {},
  )[0] as readonly Explained[];
  return {
    ...{ rows: end.rows, changed: changedBy(plan), tookMs, walBytes: plan["WAL Bytes"] ?? 0 },
    triggers: fired.map((one) => one["Trigger Name"]).filter((name) => !/^RI_ConstraintTrigger/.test(name)),
    sequences: namesIn(sequences),
  };
}

/** `nextval` holds a lock on its sequence until the transaction ends. */
const SEQUENCES = `select distinct c.oid::pg_catalog.regclass::pg_catalog.text as name
from pg_catalog.pg_locks l join pg_catalog.pg_class c on c.oid = l.relation
where l.pid = pg_catalog.pg_backend_pid() and l.locktype = 'relation' and c.relkind = 'S' order by 1`;

interface PlanNode {
  readonly "Node Type"?: string;
  readonly "Actual Rows"?: number;
  readonly "Actual Loops"?: number;
  readonly "WAL Bytes"?: number;
  readonly Plans?: readonly PlanNode[];
}

interface Explained {
  readonly Plan: PlanNode;
  readonly Triggers?: readonly { readonly "Trigger Name": string }[];
}

/** The rows that its UPDATE was handed. Without RETURNING it answers none itself. */
function changedBy(node: PlanNode): number {
  const below = node.Plans ?? [];
  if (node["Node Type"] === "ModifyTable")
    return below.reduce(
      (sum, { "Actual Rows": rows = 0, "Actual Loops": loops = 1 }) => sum + Math.round(rows * loops),
      0,
    );
  return below.reduce((sum, one) => sum + changedBy(one), 0);
}

function estimate(measured: Measured, { table, known, body }: Sampled): BackfillSample {
  const { rows, changed, tookMs, walBytes, triggers, sequences } = measured;
  const rowsPerSecond = (rows / Math.max(tookMs, 0.1)) * 1000;
  const all = known?.estimatedRows ?? table.estimatedRows;
  const left = all === null ? null : Math.max(0, all - (known?.rows ?? 0));
  return {
    ...{ rows, changed, rowsPerSecond, walBytes, triggers, sequences },
    durationMs: left === null ? null : (left / rowsPerSecond) * 1000,
    totalWalBytes: left === null ? null : Math.round((left / rows) * walBytes),
    withoutOldValues: body.backfill?.options.undo != null,
  };
}
