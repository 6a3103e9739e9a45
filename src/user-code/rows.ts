/** Calls the function of a backfill for the rows of one window, and writes the patches that it returns. */
import { kindsOf, patchStatement } from "../backfill/rows.ts";
import type { PatchColumn, RowsWindow } from "../core/backfill.ts";
import { encodeParameters } from "../database/values/parameters.ts";
import { describe, ParameterRefused } from "../database/values/refused.ts";
import { readRows } from "../database/values/rows.ts";
import { StepFailed } from "../errors.ts";
import type { MigrationContext } from "../source/definition.ts";
import type { RowsFunction } from "../source/module/declaration.ts";
import { nearest } from "../std/nearest.ts";
import { rowsOf, whole } from "../std/number.ts";
import type { Executor } from "./module-context.ts";

type Patch = Readonly<Record<string, unknown>>;

interface Patched {
  /** The texts of its key, as the server wrote them. */
  readonly key: readonly string[];
  readonly patch: Patch;
}

/** Returns how many rows were written. Throws `StepFailed` (`BACKFILL_PATCH`) for an answer that means nothing. */
export async function patchWindow(
  rows: RowsFunction,
  {
    window,
    executor,
    file,
  }: { readonly window: RowsWindow; readonly executor: Executor; readonly file: string },
  context: MigrationContext,
): Promise<number> {
  const result = await executor.ask(window.select, []);
  if (result.rows.length === 0) return 0;
  const handed = readRows(result);
  const keys = result.rows.map((row) => row.slice(0, window.key.length) as readonly string[]);
  const answer: unknown = await rows(handed, context as never);
  const patches = inOrder(answer, handed, file);
  const patched = patches.flatMap((patch, at) => {
    if (patch === null || patch === undefined) return [];
    if (typeof patch !== "object" || Array.isArray(patch))
      throw refused(
        file,
        `returned ${describe(patch)} for a row`,
        "Return an object with the columns to set, or null.",
      );
    return [{ key: keys[at] ?? [], patch: patch as Patch }];
  });
  return patched.length === 0 ? 0 : write(patched, { window, executor, file });
}

/** A patch for each row, in their order. */
function inOrder(answer: unknown, handed: readonly object[], file: string): readonly unknown[] {
  if (Array.isArray(answer)) {
    if (answer.length === handed.length) return Array.from(answer);
    throw refused(
      file,
      `returned ${answer.length === 1 ? "one patch" : `${whole(answer.length)} patches`} for ${rowsOf(handed.length)}`,
      "Return one for each row, in the same order: rows.map(…), with null for a row that stays as it is.",
    );
  }
  if (isMap(answer)) {
    const known = new Set(handed);
    if ([...answer.keys()].some((row) => !known.has(row as object)))
      throw refused(
        file,
        "returned a patch for a row that is none of its window",
        "Use the objects that `rows` has as the keys of the Map.",
      );
    return handed.map((row) => answer.get(row) ?? null);
  }
  throw refused(
    file,
    `returned ${describe(answer)}`,
    "Return a list with a patch for each row, or a Map from rows to patches.",
  );
}

function isMap(value: unknown): value is ReadonlyMap<unknown, unknown> {
  return value instanceof Map || Object.prototype.toString.call(value) === "[object Map]";
}

async function write(
  patched: readonly Patched[],
  {
    window,
    executor,
    file,
  }: { readonly window: RowsWindow; readonly executor: Executor; readonly file: string },
): Promise<number> {
  const set = columnsOf(patched, window, file);
  if (set.length === 0) return 0;
  const kinds = await executor.parameterKinds(kindsOf(set));
  const values = set.map(({ name }, at) =>
    patched.map(({ key, patch }) => {
      if (!Object.hasOwn(patch, name)) return null;
      const described = window.key.map((column, index) => `${column.name} ${key[index]}`).join(", ");
      return encoded(patch[name], kinds[at], `${name} of the row with ${described}`);
    }),
  );
  const sparse = set.filter((column) => column.sparse);
  const parameters = [
    ...window.key.map((_, at) => patched.map(({ key }) => key[at] ?? null)),
    ...values,
    ...sparse.map(({ name }) => patched.map(({ patch }) => Object.hasOwn(patch, name))),
  ];
  const arrays = encodeParameters(
    parameters,
    parameters.map(() => "array"),
  );
  const { rows, rowCount } = await executor.ask(patchStatement(window, set), arrays);
  return window.keeping === null ? (rowCount ?? 0) : Number(rows[0]?.[0] ?? 0);
}

/** The columns that any patch sets, as the table has them. */
function columnsOf(
  patched: readonly Patched[],
  { key, columns, shown, writes }: RowsWindow,
  file: string,
): readonly (PatchColumn & { readonly sparse: boolean })[] {
  const counts = new Map<string, number>();
  for (const { patch } of patched)
    for (const name of Object.keys(patch)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => {
    const column = columns.find((one) => one.name === name);
    if (column === undefined) {
      const known = columns.map((one) => one.name);
      const meant = nearest(name, known);
      throw refused(
        file,
        `set ${name}, which ${shown} does not have`,
        meant === undefined ? `Its columns: ${known.join(", ")}.` : `Did you mean ${meant}?`,
      );
    }
    if (key.some((one) => one.name === name))
      throw refused(
        file,
        `set ${name}, a column of its key`,
        "A row that changes its key could be done twice. Change the key in a migration of its own.",
      );
    if (writes !== null && !writes.includes(name))
      throw refused(
        file,
        `set ${name}, which its \`writes\` does not name`,
        `Add it there: writes: ${JSON.stringify([...writes, name])}.`,
      );
    return { ...column, sparse: count < patched.length };
  });
}

/** The text that the server reads as this value. */
function encoded(
  value: unknown,
  kind: Parameters<typeof encodeParameters>[1] extends readonly (infer Kind)[] | undefined ? Kind : never,
  path: string,
): string | null {
  try {
    const [text = null] = encodeParameters([value], [kind]);
    return text === null || typeof text === "string" ? text : `\\x${text.toString("hex")}`;
  } catch (error) {
    if (!(error instanceof ParameterRefused)) throw error;
    throw new ParameterRefused(error.message.replace(/^parameter 1/, path), error.hint, { cause: error });
  }
}

function refused(file: string, what: string, hint: string): StepFailed {
  return new StepFailed({
    code: "BACKFILL_PATCH",
    message: `${file}: \`rows\` ${what}.`,
    hint,
    place: { file },
  });
}
