/**
 * What a plan says of a backfill before it begins or goes on: its table, about how many rows are left, and what each changed
 * row costs. What would stop it at once is said, too.
 */
import type { FoundTable } from "../../../backfill/table.ts";
import { literal } from "../../../core/sql/quote.ts";
import { regclass } from "../../../core/sql/regclass.ts";
import { setColumns } from "../../../core/sql/set-columns.ts";
import type { BackfillOutlook } from "../../../core/step.ts";
import type { Connection } from "../../../database/connection.ts";
import { PlanRefused, type Problem, SourceError } from "../../../errors.ts";
import type { BackfillState } from "../../../ledger/backfills-sql.ts";
import { sessionKind, withConnection } from "../../session/connect.ts";
import type { RunContext, Target } from "../../session/target.ts";
import { isWorthRetrying } from "../../session/transaction.ts";
import type { StepContext } from "../context.ts";
import type { Prepared } from "../prepared.ts";
import { underWay } from "./begin.ts";
import { awaited } from "./control.ts";
import { type BackfillBody, examine, lookAsFile, sameTable } from "./examine.ts";
import { sampleBackfill } from "./sample.ts";

export interface Outlooks {
  readonly backfills: readonly BackfillOutlook[];
  /** What `up` would warn of when they begin. */
  readonly warnings: readonly Problem[];
}

interface OutlookQuestion {
  readonly context: RunContext;
  /** Steps before which nothing changes the schema. */
  readonly finding: ReadonlySet<string>;
  /** `continue`: what one of them is refused for is a warning, because the others run. */
  readonly failure: "stop" | "continue";
  readonly sample: boolean;
}

/**
 * Changes nothing. Throws `SourceError` or `PlanRefused` as `up` would, but only for a backfill that finds the schema as it is
 * now: an earlier migration of the plan may create what is missing.
 */
export async function backfillOutlooks(
  target: Target,
  steps: readonly Prepared[],
  { context, finding, failure, sample }: OutlookQuestion,
): Promise<Outlooks> {
  const backfills: BackfillOutlook[] = [];
  const warnings: Problem[] = [];
  const pending = steps.filter(({ form, problem }) => form.sends === "windows" && problem === null);
  if (pending.length === 0) return { backfills, warnings };
  return withConnection(target, context, async (connection) => {
    for (const prepared of pending) {
      const { step, load } = prepared;
      const body = await load();
      if (body.kind !== "sql" || body.backfill === undefined) continue;
      const findsSchema = finding.has(step.revision);
      const place = { target, connection, prepared, body: { ...body, backfill: body.backfill } };
      try {
        const known = await underWay({ ...target, connection }, prepared);
        if (findsSchema) warnings.push(...(await warningsAtBegin(place, known, context)));
        const found = await outlookOf(place, known, context);
        const { table, outlook } = found;
        const tried =
          sample && step.direction === "up" ? await sampleBackfill({ ...place, table, known }, context) : {};
        backfills.push({ ...outlook, ...tried });
      } catch (error) {
        if (!(error instanceof SourceError || error instanceof PlanRefused)) throw error;
        if (findsSchema && failure === "stop") throw error;
        if (findsSchema) warnings.push(...error.problems);
      }
    }
    return { backfills, warnings };
  });
}

/** The same in a transaction that is there, where earlier migrations of the plan have run. */
export async function examineBackfill(context: StepContext, prepared: Prepared): Promise<void> {
  const body = await prepared.load();
  if (body.kind !== "sql" || body.backfill === undefined) return;
  const known = await underWay(context, prepared);
  const { backfill } = body;
  const { unasked } = await examine(context, { step: prepared.step, body: { ...body, backfill }, known });
  if (unasked !== null) context.warn?.(unasked);
}

interface OutlookContext {
  readonly target: Target;
  readonly connection: Connection;
  readonly prepared: Prepared;
  readonly body: BackfillBody;
}

async function warningsAtBegin(
  { target, connection, prepared, body }: OutlookContext,
  known: BackfillState | null,
  context: RunContext,
): Promise<readonly Problem[]> {
  if (!connection.capabilities.spanning) return [];
  const { step, settings } = prepared;
  const kind = sessionKind(connection, context);
  const look = async () => {
    await connection.execute(`set local lock_timeout = ${literal(LOCK_TIMEOUT)}`);
    const { unasked } = await examine({ connection, ledger: target.ledger }, { step, body, known });
    return unasked === null ? [] : [unasked];
  };
  return lookAsFile({ target, connection, kind, settings }, look).catch((error: unknown) => {
    // Somebody has locked the table.
    if (isWorthRetrying(error)) return [];
    throw error;
  });
}

async function outlookOf(
  { target, connection, prepared, body }: OutlookContext,
  known: BackfillState | null,
  context: RunContext,
): Promise<{ readonly table: FoundTable; readonly outlook: BackfillOutlook }> {
  const { step, settings } = prepared;
  const look = async () => {
    const table = await sameTable(connection, { step, body, known });
    const sets = setColumns(body.text) ?? [];
    const [answer] = await connection.execute(indexesQuery(table.name, sets));
    return { table, row: answer?.rows[0] as unknown as Indexes };
  };
  const kind = sessionKind(connection, context);
  const { table, row } = connection.capabilities.spanning
    ? await lookAsFile({ target, connection, kind, settings }, look)
    : await look();
  const controls = await target.ledger.backfills.controls(connection, step.revision);
  // What was inserted above its bound since it began is not its own.
  const rows = known?.estimatedRows ?? table.estimatedRows;
  const done = known?.rows ?? 0;
  const outlook = {
    revision: step.revision,
    table: table.shown,
    key: table.key.map(({ name }) => name),
    ...{ rows, done, left: rows === null ? null : Math.max(0, rows - done) },
    refused: known?.failed.length ?? 0,
    waitsFor: awaited(step, { backfill: body.backfill, known }, controls),
    indexes: row.indexes,
    indexed: row.indexed,
    fillfactor: row.fillfactor,
    byFunction: body.rows !== undefined,
  };
  return { table, outlook };
}

/** A plan waits for nobody. */
const LOCK_TIMEOUT = "500ms";

interface Indexes {
  readonly indexes: number;
  readonly indexed: readonly string[];
  readonly fillfactor: number;
}

/** An index depends on the columns of its expressions and of its predicate, too. A change of any of them is not HOT. */
function indexesQuery(table: string, columns: readonly string[]): string {
  const list = columns.map((name) => literal(name)).join(", ");
  return `select (select pg_catalog.count(*)::int from pg_catalog.pg_index i where i.indrelid = c.oid) as indexes,
  array(select distinct a.attname::pg_catalog.text || ' (' || x.relname || ')'
    from pg_catalog.pg_index i join pg_catalog.pg_class x on x.oid = i.indexrelid join pg_catalog.pg_am m on m.oid = x.relam
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and not a.attisdropped
    where i.indrelid = c.oid and m.amname <> 'brin' and a.attname = any (array[${list}]::pg_catalog.text[])
      and (a.attnum = any (i.indkey) or exists (select from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid and d.objid = i.indexrelid
          and d.refobjid = c.oid and d.refobjsubid = a.attnum)) order by 1) as indexed,
  coalesce((select option_value::int from pg_catalog.pg_options_to_table(c.reloptions) where option_name = 'fillfactor'), 100) as fillfactor
from pg_catalog.pg_class c where c.oid = ${regclass(table)}`;
}
