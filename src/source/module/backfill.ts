/** What a module declares with `backfill({...})`, and the statement that is made of it. Pure. */
import {
  type Backfill,
  contradicts,
  DEFAULT_WINDOWS,
  fitting,
  parseParallel,
  parseRows,
  parseTargetMs,
} from "../../core/backfill.ts";
import {
  BACKFILL_OPTIONS,
  type BackfillOption,
  DEFAULT_OPTIONS,
  idleOptions,
  withOption,
} from "../../core/backfill-options.ts";
import { identifier } from "../../core/sql/quote.ts";
import type { Problem } from "../../errors.ts";
import { nearest } from "../../std/nearest.ts";
import { statementFault } from "../statement-fault.ts";

type Values = Readonly<Record<string, unknown>>;

/** The mark that `backfill()` puts on what it returns. */
export const IS_BACKFILL = "backfill";

const NAMES = [
  "table",
  "key",
  "where",
  "set",
  "statement",
  "rows",
  "columns",
  "writes",
  "window",
  "minRows",
  "maxRows",
  "parallel",
  ...BACKFILL_OPTIONS.map(({ key, module }) => module ?? key),
];
const OF_MIGRATIONS = [
  "kind",
  "down",
  "downgrade",
  "depends",
  "requires",
  "revises",
  "phase",
  "lockTimeout",
  "statementTimeout",
];
const ALSO = ["rowSecurity", "outOfOrder", "minimumRevision", "expect"];

/** Reads what was declared. Faults go into `problems`. */
export function readBackfill(
  values: Values,
  file: string,
): { readonly backfill: Backfill | null; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const invalid = (name: string, expects: string): null => {
    problems.push({
      code: "SOURCE_DIRECTIVE_INVALID",
      message: `${file} declares \`${name}\` with a value that cannot be used.`,
      hint: `Expected: ${expects}.`,
      place: { file },
    });
    return null;
  };
  for (const name of Object.keys(values)) {
    const known = [...NAMES, ...OF_MIGRATIONS, ...ALSO];
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    problems.push({
      code: "SOURCE_DIRECTIVE_UNKNOWN",
      message: `${file} declares \`${name}\`, which a backfill does not have.`,
      hint: meant === undefined ? `Known: ${NAMES.join(", ")}.` : `Did you mean \`${meant}\`?`,
      place: { file },
    });
  }
  const text = (name: string, expects: string): string | null => {
    const value = values[name];
    return typeof value === "string" && value.trim() !== "" ? value : invalid(name, expects);
  };
  const table = text("table", "the name of a table, as in SQL");
  const where = values.where === undefined ? null : text("where", "a condition in SQL");
  const key = values.key === undefined ? null : listOf(values.key);
  if (key === undefined) invalid("key", "the columns of a unique index");
  const targetMs =
    values.window === undefined ? DEFAULT_WINDOWS.targetMs : parseTargetMs(wordOf(values.window));
  if (targetMs === null)
    invalid("window", 'how long one window should take: "500ms", "2s"; a minute at most');
  const rows = <Default>(name: "minRows" | "maxRows", byDefault: Default) =>
    values[name] === undefined
      ? byDefault
      : (parseRows(wordOf(values[name])) ?? invalid(name, "a number of rows") ?? 0);
  const minRows = rows("minRows", DEFAULT_WINDOWS.minRows);
  const maxRows = rows("maxRows", DEFAULT_WINDOWS.maxRows);
  const parallel = values.parallel === undefined ? undefined : parseParallel(wordOf(values.parallel));
  if (parallel === null) invalid("parallel", "how many windows run at once, from 1 to 32");
  if (values.rows !== undefined && parallel !== undefined)
    invalid("parallel", "nothing beside `rows`: one function changes one window at a time");
  const nameOf = ({ module, key }: BackfillOption) => module ?? key;
  let options = DEFAULT_OPTIONS;
  for (const option of BACKFILL_OPTIONS) {
    const name = nameOf(option);
    const value = values[name];
    if (value === undefined) continue;
    const isText = typeof value === "string" || option.isLine !== true;
    const read = isText ? withOption(options, option, wordOf(value)) : null;
    if (read === null) invalid(name, option.expects);
    else options = read;
  }
  for (const { option, why } of idleOptions(options, (each) => values[nameOf(each)] !== undefined))
    invalid(nameOf(option), `nothing: it ${why}`);
  if (values.minRows !== undefined && maxRows !== null && maxRows > 0 && minRows > maxRows)
    invalid("minRows", "no more than `maxRows`");
  const setting = contradicts(values);
  if (setting !== null) invalid(setting, "nothing: each window of a backfill is a transaction");
  const columns = columnsOf(values, invalid);
  const writes = writesOf(values, { isKept: options.undo !== null, invalid });
  const statement = statementOf(values, { table, where, invalid });
  const fault =
    statement === null || values.rows !== undefined
      ? null
      : statementFault(statement, { undo: options.undo !== null });
  if (fault !== null)
    problems.push({
      code: "BACKFILL_STATEMENT",
      message: `${file} ${fault.message}`,
      hint: fault.hint,
      place: { file },
    });
  if (problems.length > 0 || table === null || key === undefined || targetMs === null || statement === null)
    return { backfill: null, problems };
  const windows = fitting({ targetMs, minRows, maxRows });
  const more = {
    ...(columns === null ? {} : { columns }),
    ...(writes === null ? {} : { writes }),
    ...(parallel == null ? {} : { parallel }),
  };
  return {
    backfill: { table, key, where, statement, windows, options, ...more },
    problems,
  };
}

/** What `rows` is handed. `null`: there is no such function. */
function columnsOf(
  { rows, columns }: Values,
  invalid: (name: string, expects: string) => null,
): readonly string[] | null {
  if (rows === undefined)
    return columns === undefined ? null : invalid("columns", "nothing without `rows`, which is handed them");
  if (typeof rows !== "function")
    return invalid(
      "rows",
      "a function from the rows of a window to what is set in each: (rows) => rows.map(…)",
    );
  const list = listOf(columns);
  return list === undefined
    ? invalid("columns", 'the columns that `rows` is handed: ["name", "price"]')
    : list;
}

/** What `rows` may set. Old values are kept of these columns. `null`: any. */
function writesOf(
  { rows, writes }: Values,
  { isKept, invalid }: { isKept: boolean; invalid: (name: string, expects: string) => null },
): readonly string[] | null {
  if (rows === undefined)
    return writes === undefined ? null : invalid("writes", "nothing without `rows`, which sets them");
  if (writes === undefined && !isKept) return null;
  return listOf(writes) ?? invalid("writes", WRITES[isKept ? "kept" : "any"]);
}

const WRITES = {
  any: 'the columns that `rows` sets: ["slug"]',
  kept: 'the columns that `rows` sets, whose old values `undo` keeps: ["slug"]',
};

function statementOf(
  values: Values,
  {
    table,
    where,
    invalid,
  }: { table: string | null; where: string | null; invalid: (name: string, expects: string) => null },
): string | null {
  const { set, statement, rows } = values;
  const said = ["set", "statement", "rows"].filter((name) => values[name] !== undefined);
  if (said.length !== 1)
    return invalid(said[1] ?? "set", "one of `set`, `statement` and `rows`, and only one");
  if (rows !== undefined) return "";
  if (statement !== undefined)
    return typeof statement === "string" && statement.trim() !== ""
      ? statement
      : invalid("statement", "one SQL statement with :window in it");
  const columns = typeof set === "object" && set !== null ? Object.entries(set) : [];
  if (columns.length === 0 || columns.some(([, value]) => typeof value !== "string" || value.trim() === ""))
    return invalid("set", 'an expression in SQL for each column: { slug: "lower(name)" }');
  const names = columns.map(([name]) => identifier(name));
  const assigned = columns.map(([, value], at) => `${names[at]} = ${value}`).join(",\n  ");
  // A row that has its value already is not written: that would only make it dead, and wake its triggers.
  const differs = columns.map(([, value], at) => `${names[at]} is distinct from (${value})`).join(" or ");
  const condition = where === null ? "" : `\n  and (${where}\n)`;
  return `update ${table} set\n  ${assigned}\nwhere :window${condition}\n  and (${differs})`;
}

function listOf(value: unknown): readonly string[] | undefined {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.length > 0 && list.every((each) => typeof each === "string" && each !== "")
    ? (list as string[])
    : undefined;
}

/** What `String` makes of a list of one is what it makes of that one. `""`: it is no word, number or truth. */
function wordOf(value: unknown): string {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}
