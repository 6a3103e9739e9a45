/**
 * Invalid indexes that the migrations of a run name with `CREATE INDEX IF NOT EXISTS`. The server would take
 * such a leftover for the wanted index and build nothing.
 */
import { type IndexStatement, readCreateIndex } from "../../core/sql/create-index.ts";
import { splitStatements } from "../../core/sql/statements.ts";
import { type Problem, StepFailed } from "../../errors.ts";
import { askCatalog, resolveName } from "../catalog/ask.ts";
import { beingBuilt, hasDefinitionOf, holderOf, type InvalidIndex, indexesOn } from "../catalog/indexes.ts";
import { keptOther, nameIsTaken } from "../catalog/verify.ts";
import { ownSession, type StepContext } from "./context.ts";
import type { Prepared } from "./prepared.ts";

interface NamedIndex extends IndexStatement {
  readonly revision: string;
  /** The file changes the search_path, so the schema of an unqualified table is not known. */
  readonly ambiguous: boolean;
  readonly text: string;
}

/**
 * Drops the invalid indexes that the steps build again. Throws where such an index is on another table, or
 * somebody may be building it. Asks nothing where no index is invalid.
 */
export async function clearNamedIndexes(
  context: StepContext,
  steps: readonly Prepared[],
  invalid: readonly InvalidIndex[],
): Promise<void> {
  for (const { named, index } of await meetings(context, steps, invalid)) {
    // An index of a partitioned table can't be dropped concurrently. The step itself refuses it (`indexGuard`).
    if (named.ambiguous || index.parted !== null) continue;
    if (named.table.name !== index.table) throw onOtherTable(named, index);
    if (index.builder !== null) throw beingBuilt(index.name, index.builder);
    await context.connection.execute(`drop index concurrently if exists ${index.name}`);
    context.warn?.({
      code: "STEP_INDEX_INVALID",
      message: `Index ${index.name} was invalid and has been dropped, because ${named.revision} creates it.`,
      hint: "It was of no use to any query.",
    });
  }
}

/** For a dry run: the problem that `up` would meet at such an index now, by revision. Nothing is dropped. */
export async function refusedIndexes(
  context: StepContext,
  steps: readonly Prepared[],
  invalid: readonly InvalidIndex[],
): Promise<ReadonlyMap<string, Problem>> {
  const refused = new Map<string, Problem>();
  for (const { named, index } of await meetings(context, steps, invalid)) {
    if (named.ambiguous) continue;
    if (index.parted !== null) refused.set(named.revision, invalidIndex(index));
    else if (named.table.name !== index.table)
      refused.set(named.revision, onOtherTable(named, index).toProblem());
  }
  for (const { revision, index, table, ambiguous } of await indexesNamed(steps, null)) {
    if (index === null || ambiguous || refused.has(revision)) continue;
    const oid = await resolveName(context.connection, table);
    const holder = oid === null ? null : await holderOf(context.connection, index.name, oid);
    if (holder !== null) refused.set(revision, nameIsTaken(index.name, holder.what, table.name).toProblem());
  }
  return refused;
}

/** After the steps: the names of the invalid indexes that the steps name. */
export async function namedIndexes(
  context: StepContext,
  steps: readonly Prepared[],
  invalid: readonly InvalidIndex[],
): Promise<ReadonlySet<string>> {
  return new Set((await meetings(context, steps, invalid)).map(({ index }) => index.name));
}

/**
 * After the steps: warns about each index that `CREATE INDEX IF NOT EXISTS` in a transaction has kept with
 * another definition. `skipped` are the server's notices about what it kept.
 */
export async function warnOfKept(
  context: StepContext,
  steps: readonly Prepared[],
  skipped: readonly string[],
): Promise<void> {
  if (skipped.length === 0) return;
  const { connection } = context;
  for (const named of await indexesNamed(steps, null)) {
    const { index, table, concurrently, ambiguous, text } = named;
    if (index === null || concurrently || ambiguous || !isIn(skipped, index.name)) continue;
    const oid = await resolveName(connection, table);
    if (oid === null) continue;
    for (const found of await indexesOn(connection, { index }, oid)) {
      const same = await hasDefinitionOf(connection, { oid: found.oid, table: found.table }, text);
      if (same === false) context.warn?.(keptOther(found.name));
    }
  }
}

/** Whether one of the server's sentences contains this name. The server may speak any language. */
export function isIn(sentences: readonly string[], name: string): boolean {
  return sentences.some(
    (sentence) => sentence.split(/[\s"'`«»„“”]+/).includes(name) || sentence.includes(`"${name}"`),
  );
}

/** The problem of an index that is invalid. */
export function invalidIndex({ name, parted, brokenPart }: InvalidIndex): Problem {
  return {
    code: "STEP_INDEX_INVALID",
    message:
      parted === null || brokenPart
        ? `Index ${name} is invalid: no query uses it, every write still pays for it.`
        : `Index ${name} of a partitioned table is invalid until each partition has a valid index that is attached to it.`,
    hint: parted === null ? `${rebuild({ name, parted })}; or drop it.` : `${rebuild({ name, parted })}.`,
  };
}

/** The problem of a run that leaves these indexes invalid. */
export function leftInvalid(broken: readonly InvalidIndex[]): Problem & { code: "STEP_INDEX_INVALID" } {
  const [first] = broken as [InvalidIndex];
  return {
    code: "STEP_INDEX_INVALID",
    message: `The run left invalid indexes: ${broken.map(({ name }) => name).join(", ")}.`,
    hint: `${rebuild(first)}; then run again.`,
  };
}

/** The command that makes the index valid. A partitioned index stays invalid when its parts are rebuilt. */
function rebuild({ name, parted }: Pick<InvalidIndex, "name" | "parted">): string {
  return parted === null
    ? `Build it again with REINDEX INDEX CONCURRENTLY ${name}`
    : `Build it again, with its parts: BEGIN; DROP INDEX ${name}; ${parted}; COMMIT`;
}

interface Meeting {
  readonly named: NamedIndex;
  readonly index: InvalidIndex;
}

async function meetings(
  context: StepContext,
  steps: readonly Prepared[],
  invalid: readonly InvalidIndex[],
): Promise<readonly Meeting[]> {
  if (invalid.length === 0) return [];
  const found: Meeting[] = [];
  const names = new Set(invalid.map(({ bareName }) => bareName));
  const all = await indexesNamed(steps, names);
  if (all.length > 0) await ownSession(context);
  for (const named of all) {
    const schema = await schemaOf(context, named);
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
  names: ReadonlySet<string> | null,
): Promise<readonly NamedIndex[]> {
  const found: NamedIndex[] = [];
  for (const { step, problem, load } of steps) {
    // A file that can't be read fails when its turn comes.
    const body = problem === null ? await load().catch(() => null) : null;
    if (body?.kind !== "sql" || !/\bindex\b/i.test(body.text)) continue;
    for (const { text } of splitStatements(body.text)) {
      const statement = readCreateIndex(text);
      if (
        statement?.ifNotExists !== true ||
        statement.only ||
        names?.has(statement.index?.name ?? "") === false
      )
        continue;
      const ambiguous = statement.table.schema === null && /\bsearch_path\b/i.test(body.text);
      found.push({ ...statement, revision: step.revision, ambiguous, text });
    }
  }
  return found;
}

/** The schema of the index will be that of its table. */
async function schemaOf(context: StepContext, { table }: NamedIndex): Promise<string | null> {
  const oid = await resolveName(context.connection, table);
  const [found] = await askCatalog<{ schema: string }>(
    context.connection,
    `select n.nspname::text as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = ${oid ?? 0}::oid`,
  );
  return found?.schema ?? null;
}

function onOtherTable({ revision, table }: NamedIndex, { name, table: other }: InvalidIndex): StepFailed {
  return new StepFailed({
    code: "STEP_INDEX_INVALID",
    message: `${revision} creates index ${name} on ${table.name} if there is none of that name, but an invalid one is on ${other}; nothing was done.`,
    hint: `Drop it with DROP INDEX CONCURRENTLY ${name}; or give the new one another name, then run again.`,
  });
}
