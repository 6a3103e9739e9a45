/**
 * Invalid indexes that the migrations of a run name with `CREATE INDEX IF NOT EXISTS`. The server would take such a
 * leftover for the index that is wanted, and build nothing.
 */
import { type IndexStatement, readCreateIndex } from "../core/sql/classify.ts";
import { literal } from "../core/sql/quote.ts";
import { splitStatements } from "../core/sql/statements.ts";
import { StepFailed } from "../errors.ts";
import { beingBuilt, type InvalidIndex, written } from "./indexes.ts";
import type { Prepared } from "./prepare.ts";
import { ownSession, type Work } from "./work.ts";

interface NamedIndex extends IndexStatement {
  readonly revision: string;
  /** The file moves the search_path, so that the table's name alone may mean any of that name. */
  readonly ambiguous: boolean;
}

/**
 * Before the steps: drops the invalid indexes that they build again, where these are on the same table and nobody is
 * building them. Throws where they are not. Costs nothing where no index is invalid.
 */
export async function clearNamedIndexes(
  work: Work,
  steps: readonly Prepared[],
  invalid: readonly InvalidIndex[],
): Promise<void> {
  for (const { named, index } of await meetings(work, steps, invalid)) {
    if (named.ambiguous) continue;
    if (named.table.name !== index.table) throw onOtherTable(named, index);
    if (index.builder !== null) throw beingBuilt(index.name, index.builder);
    await work.connection.execute(`drop index concurrently if exists ${index.name}`);
    work.warn?.({
      code: "STEP_INDEX_INVALID",
      message: `Index ${index.name} was invalid and has been dropped, because ${named.revision} creates it.`,
      hint: "It was of no use to any query.",
    });
  }
}

/** After the steps: those of the invalid indexes that the steps name. */
export async function namedIndexes(
  work: Work,
  steps: readonly Prepared[],
  invalid: readonly InvalidIndex[],
): Promise<ReadonlySet<string>> {
  return new Set((await meetings(work, steps, invalid)).map(({ index }) => index.name));
}

interface Meeting {
  readonly named: NamedIndex;
  readonly index: InvalidIndex;
}

async function meetings(
  work: Work,
  steps: readonly Prepared[],
  invalid: readonly InvalidIndex[],
): Promise<readonly Meeting[]> {
  if (invalid.length === 0) return [];
  const found: Meeting[] = [];
  const names = new Set(invalid.map(({ bareName }) => bareName));
  const all = await indexesNamed(steps, names);
  if (all.length > 0) await ownSession(work);
  for (const named of all) {
    const schema = await schemaOf(work, named);
    for (const index of invalid) {
      if (named.index?.name !== index.bareName) continue;
      const same = named.ambiguous ? named.table.name === index.table : schema === index.schema;
      if (same && !found.some((one) => one.index === index)) found.push({ named, index });
    }
  }
  return found;
}

async function indexesNamed(
  steps: readonly Prepared[],
  names: ReadonlySet<string>,
): Promise<readonly NamedIndex[]> {
  const found: NamedIndex[] = [];
  for (const { step, problem, load } of steps) {
    // A file that cannot be read fails when its turn comes.
    const body = problem === null ? await load().catch(() => null) : null;
    if (body?.kind !== "sql" || !/\bindex\b/i.test(body.text)) continue;
    for (const { text } of splitStatements(body.text)) {
      const statement = readCreateIndex(text);
      if (statement?.ifNotExists !== true || !names.has(statement.index?.name ?? "")) continue;
      const ambiguous = statement.table.schema === null && /\bsearch_path\b/i.test(body.text);
      found.push({ ...statement, revision: step.revision, ambiguous });
    }
  }
  return found;
}

/** Where the index will be: in the schema of its table. */
async function schemaOf(work: Work, { table }: NamedIndex): Promise<string | null> {
  const { rows } = await work.connection.query<{ schema: string }>(
    `select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = to_regclass(${literal(written(table))})::oid`,
  );
  return rows[0]?.schema ?? null;
}

function onOtherTable({ revision, table }: NamedIndex, { name, table: other }: InvalidIndex): StepFailed {
  return new StepFailed({
    code: "STEP_INDEX_INVALID",
    message: `${revision} creates index ${name} on ${table.name} if there is none of that name, but an invalid one is on ${other}; nothing was done.`,
    hint: `Drop it with DROP INDEX CONCURRENTLY ${name}; or give the new one another name, then run again.`,
  });
}
