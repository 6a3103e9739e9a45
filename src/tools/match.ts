/** Rows and files side by side, by what the tool knows a file by. */
import type { Migration } from "../core/migration.ts";
import type { Applied, Match, Tool, ToolHistory, ToolRow } from "./tool.ts";

export function matchRows(tool: Tool, history: ToolHistory, migrations: readonly Migration[]): Match {
  const own = tool.own?.(history, migrations) ?? history;
  return tool.match?.(own, migrations) ?? matchByKey(own, migrations, tool.normal);
}

export function matchByKey(
  history: ToolHistory,
  migrations: readonly Migration[],
  normal: (key: string) => string = (key) => key,
): Match {
  // The last one counts: a tool that runs a file again writes another row for it.
  const index = (spell: (key: string) => string) =>
    new Map(history.rows.flatMap((row) => row.keys.map((key) => [spell(key), row] as const)));
  const exact = index(normal);
  const loose = index(withoutZeros);
  const find = ({ tool, id, number }: Migration) => {
    if (tool !== undefined) return exact.get(normal(tool.version));
    // A folder of our own layout may hold what was another tool's: then id or number is the key.
    return exact.get(normal(id)) ?? numbersOf({ id, number }).flatMap((one) => loose.get(one) ?? [])[0];
  };
  // By key: it may be there twice.
  const known = new Set<string>();
  const applied = migrations.flatMap((migration): Applied[] => {
    const row = find(migration);
    if (row === undefined) return [];
    for (const key of row.keys) known.add(key);
    return [{ id: migration.id, row, edited: isEdited(migration, row) }];
  });
  return {
    applied,
    skipped: [],
    missing: history.rows.filter(
      (row) => !row.keys.some((key) => known.has(key)) && row.withoutFile !== true,
    ),
    warnings: [],
  };
}

export function isEdited({ tool }: Migration, { checksum }: ToolRow): boolean {
  const checksums = tool?.checksums ?? [];
  return checksum !== null && checksums.length > 0 && !checksums.includes(checksum);
}

/** What counts as the number of a file of no tool; some write a time with dashes. */
export function numbersOf({ id, number }: Pick<Migration, "id" | "number">): readonly string[] {
  const digits = (/^\d[\d-]*/.exec(id)?.[0] ?? "").replaceAll("-", "");
  return [
    ...new Set([...(digits === "" ? [] : [withoutZeros(digits)]), ...(number === null ? [] : [number])]),
  ];
}

/** `001` and `1` are one number to those who count. */
export function withoutZeros(key: string): string {
  return /^\d+$/.test(key) ? key.replace(/^0+(?=\d)/, "") : key;
}

/** How surely a row of any tool speaks of a file of no tool: by its name, its text or a long number; by a short number. */
export function speaksOf(
  { keys, aliases = [], checksum }: ToolRow,
  migration: Pick<Migration, "id" | "number" | "checksum">,
): "surely" | "perhaps" | "no" {
  if (checksum !== null && migration.checksum === `sha256:${checksum}`) return "surely";
  if ([...keys, ...aliases].includes(migration.id)) return "surely";
  const known = new Set(keys.map(withoutZeros));
  const same = numbersOf(migration).filter((one) => known.has(one));
  if (same.some(isLongNumber)) return "surely";
  return same.length > 0 ? "perhaps" : "no";
}

/** A time in digits, at least a day: two projects have the same only by chance. */
export function isLongNumber(digits: string): boolean {
  return digits.length >= 8;
}
