/** What pg-delta leaves undone: from the difference that is left to the statement that makes it. */
import { literal } from "../core/sql/quote.ts";
import type { Attribute } from "../schema/snapshot.ts";
import { alterColumn, changed, type Rule, tableOf, texts } from "./change.ts";
import { notNull } from "./not-null.ts";
import { privileges } from "./privileges.ts";
import { UNMODELLED } from "./unmodelled.ts";

const typed: Rule = (change) => {
  const found = changed(change, "table", "of type");
  return found?.to == null ? null : [`ALTER TABLE ${change.name} OF ${found.to}`];
};

const storage: Rule = (change) => {
  const found = changed(change, "column", "storage");
  if (found === undefined) return null;
  // Before 16 the default of a type has to be named.
  const ofType = change.version < 160_000 ? storageOf(change.after?.attributes.type) : "default";
  return [alterColumn(change, `SET STORAGE ${String(found.to ?? ofType).toUpperCase()}`)];
};

function storageOf(type: unknown): string {
  return /^(?:numeric|inet|cidr)\b/.test(String(type)) ? "main" : "extended";
}

const compression: Rule = (change) => {
  const found = changed(change, "column", "compression");
  return found === undefined ? null : [alterColumn(change, `SET COMPRESSION ${found.to ?? "default"}`)];
};

const statistics: Rule = (change) => {
  const found = changed(change, "column", "statistics target");
  return found === undefined ? null : [alterColumn(change, `SET STATISTICS ${found.to ?? -1}`)];
};

const columnOptions: Rule = (change) => {
  const found = changed(change, "column", "options");
  return found === undefined ? null : parameters(found).map((action) => alterColumn(change, action));
};

const toastOptions: Rule = (change) => {
  const found = changed(change, "table", "toast options");
  return found === undefined
    ? null
    : parameters(found, "toast.").map((action) => `ALTER TABLE ${change.name} ${action}`);
};

const clustered: Rule = (change) => {
  const found = changed(change, "index", "clustered");
  if (found === undefined) return null;
  const table = tableOf(change.name, change.before);
  return found.to === null
    ? [`ALTER TABLE ${table} SET WITHOUT CLUSTER`]
    : [`ALTER TABLE ${table} CLUSTER ON ${lastPart(change.name)}`];
};

const indexStatistics: Rule = (change) => {
  const found = changed(change, "index", "statistics targets");
  if (found === undefined) return null;
  const to = new Map(texts(found.to).map(target));
  const all = new Map([...texts(found.from).map((text) => [target(text)[0], "-1"] as const), ...to]);
  return [...all].map(
    ([column, value]) => `ALTER INDEX ${change.name} ALTER COLUMN ${column} SET STATISTICS ${value}`,
  );
};

function target(text: string): readonly [column: string, value: string] {
  const [column = "", value = ""] = text.split(": ");
  return [column, value];
}

/** `SET (…)` and `RESET (…)` between two lists of `name=value`. */
function parameters(
  { from, to }: { readonly from: Attribute; readonly to: Attribute },
  prefix = "",
): readonly string[] {
  const [before, after] = [texts(from), texts(to)].map(
    (list) => new Map(list.map((text) => [text.slice(0, text.indexOf("=")), text])),
  );
  const set = [...(after ?? [])]
    .filter(([name, text]) => before?.get(name) !== text)
    .map(([name, text]) => `${prefix}${name} = ${literal(text.slice(name.length + 1))}`);
  const reset = [...(before?.keys() ?? [])]
    .filter((name) => after?.has(name) !== true)
    .map((name) => `${prefix}${name}`);
  return [
    ...(reset.length > 0 ? [`RESET (${reset.join(", ")})`] : []),
    ...(set.length > 0 ? [`SET (${set.join(", ")})`] : []),
  ];
}

function lastPart(name: string): string {
  return /(?:"(?:[^"]|"")*"|[^".]*)$/s.exec(name)?.[0] ?? name;
}

export const AFTER: readonly Rule[] = [
  typed,
  storage,
  compression,
  statistics,
  columnOptions,
  toastOptions,
  clustered,
  indexStatistics,
  notNull,
  privileges,
  ...UNMODELLED,
];
