/** Matches rows and files by the tool's own keys. */
import type { Migration } from "../core/migration.ts";
import { withoutZeros } from "../core/version.ts";
import type { Applied, Match, Parents, Tool, ToolHistory, ToolRow } from "./tool.ts";

export function matchRows(
  tool: Tool,
  history: ToolHistory,
  migrations: readonly Migration[],
  parents?: Parents,
): Match {
  const own = tool.own?.(history, migrations) ?? history;
  return tool.match?.(own, migrations, parents) ?? matchByKey(own, migrations, tool.normal);
}

export function matchByKey(
  history: ToolHistory,
  migrations: readonly Migration[],
  normal: (key: string) => string = (key) => key,
): Match {
  // The last row counts: a tool that runs a file again writes another row for it.
  const index = (spell: (key: string) => string) =>
    new Map(history.rows.flatMap((row) => row.keys.map((key) => [spell(key), row] as const)));
  const exact = index(normal);
  const loose = index(withoutZeros);
  const find = ({ tool, id, number }: Migration) => {
    if (tool !== undefined) return exact.get(normal(tool.version));
    // A folder in our own layout may hold the files of another tool. The key is then the id or the number.
    return exact.get(normal(id)) ?? numbersOf({ id, number }).flatMap((one) => loose.get(one) ?? [])[0];
  };
  // Compares keys, because a key may have two rows.
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

/** What counts as the number of a file that belongs to no tool. Some write a time with dashes. */
export function numbersOf({ id, number }: Pick<Migration, "id" | "number">): readonly string[] {
  const digits = (/^\d[\d-]*/.exec(id)?.[0] ?? "").replaceAll("-", "");
  return [
    ...new Set([...(digits === "" ? [] : [withoutZeros(digits)]), ...(number === null ? [] : [number])]),
  ];
}

/**
 * How surely any tool's row refers to a file that belongs to no tool. Name, text and a long number are sure; a short
 * number is not. A file that was rewritten in SQL is often spelled in another way. The same day in front of two names
 * that differ may be chance.
 */
export function speaksOf(
  { keys, aliases = [], checksum }: ToolRow,
  migration: Pick<Migration, "id" | "number" | "checksum">,
): "surely" | "perhaps" | "no" {
  if (checksum !== null && migration.checksum === `sha256:${checksum}`) return "surely";
  const names = [...keys, ...aliases];
  if (names.some((name) => isSpelledAs(name, migration.id))) return "surely";
  const fronts = names.flatMap((name) => frontOf(name) ?? []);
  const numbers = numbersOf(migration);
  const shared = numbers.filter((one) => isLongNumber(one) && fronts.includes(one));
  if (shared.some(isMinute)) return "surely";
  // A short number in front of a program's name. In front of a dot it is a version in parts.
  const named = keys.filter((key) => /^\d[\d-]*[_-]/.test(key));
  const short = named.flatMap((key) => frontOf(key) ?? []).filter((one) => !isLongNumber(one));
  const inFront = numbers.filter((one) => short.includes(one));
  const known = new Set(keys.map(withoutZeros));
  const same = numbers.filter((one) => known.has(one));
  if (same.some(isLongNumber)) return "surely";
  return same.length + shared.length + inFront.length > 0 ? "perhaps" : "no";
}

/** A row with the exact name of a file is that file's, so its name says nothing of another one. */
export function isNameOf({ keys, aliases = [] }: ToolRow, { id }: Pick<Migration, "id">): boolean {
  return [...keys, ...aliases].includes(id);
}

/** Whether two names differ in separators or case only. A number alone is no name. */
export function isSpelledAs(one: string, other: string): boolean {
  return one === other || (/[a-z]/i.test(one) && spelled(one) === spelled(other));
}

export function spelled(name: string): string {
  return name.toLowerCase().replace(/[-_.\s]+/g, "_");
}

/** The number in front of a name. Some write a time with dashes. */
function frontOf(name: string): string | undefined {
  const front = /^\d[\d-]*(?=[_.-])/.exec(name)?.[0].replaceAll("-", "");
  return front === undefined ? undefined : withoutZeros(front);
}

/** A time to the minute or better. */
function isMinute(digits: string): boolean {
  return digits.length >= 12;
}

/** A date or time in digits, precise to the day or better. Two projects share one only by chance. */
export function isLongNumber(digits: string): boolean {
  return digits.length >= 8;
}
