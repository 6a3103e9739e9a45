/** What a plan says of a backfill before it begins: its table and about how many rows, and what each changed row costs. */
import { readTable } from "../../../backfill/table.ts";
import { literal } from "../../../core/sql/quote.ts";
import { regclass } from "../../../core/sql/regclass.ts";
import { setColumns } from "../../../core/sql/set-columns.ts";
import type { BackfillOutlook } from "../../../core/step.ts";
import { SourceError } from "../../../errors.ts";
import { withConnection } from "../../session/connect.ts";
import type { RunContext, Target } from "../../session/target.ts";
import type { Prepared } from "../prepared.ts";
import { sampleBackfill } from "./sample.ts";

/**
 * Looks at the catalog alone, unless a sample is wanted. A table that an earlier migration of the plan creates is not there
 * yet.
 */
export async function backfillOutlooks(
  target: Target,
  steps: readonly Prepared[],
  { context, sample }: { readonly context: RunContext; readonly sample: boolean },
): Promise<readonly BackfillOutlook[]> {
  const pending = steps.filter(({ form, problem }) => form.sends === "windows" && problem === null);
  if (pending.length === 0) return [];
  return withConnection(target, context, async (connection) => {
    const outlooks: BackfillOutlook[] = [];
    for (const prepared of pending) {
      const { step, load } = prepared;
      const body = await load();
      if (body.kind !== "sql" || body.backfill === undefined) continue;
      try {
        const table = await readTable(connection, body.backfill, body.file);
        const sets = setColumns(body.text) ?? [];
        const [answer] = await connection.execute(indexesQuery(table.name, sets));
        const row = answer?.rows[0] as unknown as Indexes;
        const known =
          sample && step.reason === "resume"
            ? await target.ledger.backfills.state(connection, step.revision)
            : null;
        const tried =
          sample && step.direction === "up"
            ? await sampleBackfill({ target, connection, prepared, body, table, known }, context)
            : {};
        outlooks.push({
          revision: step.revision,
          table: table.shown,
          key: table.key.map(({ name }) => name),
          rows: table.estimatedRows,
          indexes: row.indexes,
          indexed: row.indexed,
          fillfactor: row.fillfactor,
          ...tried,
        });
      } catch (error) {
        if (!(error instanceof SourceError)) throw error;
      }
    }
    return outlooks;
  });
}

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
