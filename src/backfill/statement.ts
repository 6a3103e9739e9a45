/** The statements of one window: where it ends, and what it changes. Pure. */
import type { KeepingSql } from "../core/backfill.ts";
import { identifier } from "../core/sql/quote.ts";
import { splitStatements } from "../core/sql/statements.ts";
import { windowMarks, withWindow } from "../core/sql/window.ts";
import { codePointOffset } from "../std/text.ts";
import type { Asking } from "./asking.ts";
import {
  compare,
  inRange,
  isKey,
  type KeyColumn,
  type KeyRange,
  type KeyValue,
  keyText,
  names,
  type Window,
} from "./key.ts";
import type { BackfillTable } from "./table.ts";
import { type Keeping, keepingSql } from "./undo.ts";

export interface WindowStatement {
  readonly text: string;
  /** Whether its answer is a row with `changed` and `outside`. Otherwise the server's count is all that is known. */
  readonly counts: boolean;
  /** The position in the author's statement of a position in `text`, both in characters from 1. */
  readonly written: (position: number) => number;
}

export interface WindowOptions {
  /** `null`: what it changes is not asked. */
  readonly asking: Asking | null;
  /** `null`: no old values are kept. */
  readonly keeping?: Keeping | null | undefined;
}

/**
 * Reads the author's statement once, and returns what it is for a window. What it has changed outside of it is counted too: a
 * statement that ignores its window would otherwise do everything in each of them. Counting takes a tenth of the time, and is
 * left out where the text and the table show that nothing outside can change.
 */
export function windowStatement(
  file: string,
  { key }: Pick<BackfillTable, "key">,
  { asking, keeping = null }: WindowOptions,
): (window: Window) => WindowStatement {
  // Inside of another statement it has no semicolon behind it.
  const statement = file.slice(0, splitStatements(file)[0]?.end);
  const marks = windowMarks(statement);
  return (window) => {
    const condition = (alias: string | null) => {
      if (window === "none") return "(false)";
      return "only" in window ? isKey(key, window.only, alias) : inRange(key, window, alias);
    };
    const alias = asking?.alias ?? null;
    const keep = keeping === null ? null : keepingSql(keeping, key, { window, alias });
    const { text, written } = withWindow(statement, marks, (name) =>
      keep === null || keep.condition === "" ? condition(name) : `(${condition(name)}${keep.condition})`,
    );
    const counts = asking !== null && (keep !== null || !asking.isProven);
    const [before, after] = counts ? countOf(condition, asking, keep) : ["", ""];
    return {
      text: `${before}${text}${after}`,
      counts,
      written: (position) => {
        // The server counts characters, and offsets count UTF-16 units.
        const offset = unitOffset(text, position - 1 - before.length);
        return codePointOffset(statement, written(offset)) + 1;
      },
    };
  };
}

function countOf(
  condition: (alias: string | null) => string,
  { alias, returns, asksOld, added }: Asking,
  keep: KeepingSql | null,
): readonly [before: string, after: string] {
  const inside = `${condition(alias)}${asksOld ? ` and ${condition("godwit_was")}` : ""}`;
  // The author's own columns may have any name.
  const asked = `${added === null ? inside : `(${inside} or ${added})`} as godwit_inside`;
  const modes = keep?.modes ?? (asksOld ? " with (old as godwit_was)" : "");
  return [
    `with ${keep?.before ?? ""}godwit_changed as (`,
    `\n${returns ? "," : `returning${modes}`} ${asked}${keep?.returned ?? ""})${keep?.after ?? ""} select pg_catalog.count(*)::pg_catalog.float8 as changed,
 pg_catalog.count(*) filter (where godwit_inside is not true)::pg_catalog.float8 as outside from godwit_changed`,
  ];
}

/** The key of the last row, or no row where there is none. */
export function upperBound({ name, key }: BackfillTable): string {
  return `select ${keyText(key)} as key from ${name} ${ROW} order by ${descending(key)} limit 1`;
}

/**
 * The key at which a window of so many rows ends, and how many rows it has. No row: nothing is left. All windows but the
 * last end at a row that is found by its place. The last has all that is left, which is counted. Where a window seems to be the
 * last, that is tried first.
 */
export function windowEnd(
  { name, key }: BackfillTable,
  { from, to }: KeyRange,
  rows: number,
  { seemsLast = false }: { readonly seemsLast?: boolean } = {},
): string {
  const above = from === null ? "" : `${compare(key, ">", from)} and `;
  const left = `from ${name} ${ROW} where ${above}${compare(key, "<=", to)}`;
  const full = `select ${keyText(key)} as key, ${rows}::pg_catalog.float8 as rows from
(select ${names(key)} ${left} order by ${names(key)} offset ${rows - 1} limit 1) full_window`;
  const rest = (counted: string) =>
    `select ${keyText(key)} as key, (select pg_catalog.count(*) ${counted})::pg_catalog.float8 as rows
${left} order by ${descending(key)} limit 1`;
  return seemsLast
    ? `select key, rows from (${rest(`from (select ${left} limit ${rows + 1}) some_rows`)}) last_window where rows <= ${rows}
union all
(${full})
limit 1`
    : `(${full})
union all
(${rest(left)})
limit 1`;
}

/** A row up to the bound that is not done, if there is one. */
export function remainder({ name, key }: BackfillTable, where: string, to: KeyValue): string {
  return `select ${keyText(key)} as key from ${name} where ${compare(key, "<=", to)} and (${where}\n) limit 1`;
}

/**
 * Has PostgreSQL read the condition, and reads no row. In parentheses it is what the remainder asks; without them one that
 * closes a parenthesis too many cannot be read. Both are one message, so that nothing of it runs if one of them is wrong.
 */
export function conditionProbe({ name }: BackfillTable, where: string): string {
  return `select from ${name} where ${where}\n limit 0; select from ${name} where (${where}\n) limit 0`;
}

/** `ORDER BY key` alone would mean the array of texts that has that name in the answer, whose order is another one. */
function descending(key: readonly KeyColumn[]): string {
  return key.map(({ name }) => `${ROW}.${identifier(name)} desc`).join(", ");
}

const ROW = "godwit_row";

/** The offset in UTF-16 units of an offset in characters. */
function unitOffset(text: string, characters: number): number {
  let units = 0;
  for (let left = characters; left > 0 && units < text.length; left--)
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1;
  return units;
}
