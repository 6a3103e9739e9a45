/** Rows and files side by side, by what the tool knows a file by. */
import type { Migration } from "../core/migration.ts";
import type { Applied, Match, Tool, ToolHistory, ToolRow } from "./tool.ts";

export function matchRows(tool: Tool, history: ToolHistory, migrations: readonly Migration[]): Match {
  return tool.match?.(history, migrations) ?? matchByKey(history, migrations, tool.normal);
}

export function matchByKey(
  history: ToolHistory,
  migrations: readonly Migration[],
  normal: (key: string) => string = withoutZeros,
): Match {
  // The last one counts: a tool that runs a file again writes another row for it.
  const rows = new Map(history.rows.flatMap((row) => row.keys.map((key) => [normal(key), row] as const)));
  const known = new Set<ToolRow>();
  const applied = migrations.flatMap((migration): Applied[] => {
    const row = keysOf(migration)
      .map((key) => rows.get(normal(key)))
      .find((found) => found !== undefined);
    if (row === undefined) return [];
    known.add(row);
    return [{ id: migration.id, row, edited: isEdited(migration, row) }];
  });
  return {
    applied,
    skipped: [],
    missing: history.rows.filter((row) => !known.has(row) && row.withoutFile !== true),
    warnings: [],
  };
}

/** A folder of our own layout may hold what was another tool's: then number or name is the key. */
function keysOf({ tool, number, id }: Migration): readonly string[] {
  if (tool !== undefined) return [tool.version];
  return number === null ? [id] : [id, number];
}

export function isEdited({ tool }: Migration, { checksum }: ToolRow): boolean {
  const checksums = tool?.checksums ?? [];
  return checksum !== null && checksums.length > 0 && !checksums.includes(checksum);
}

/** `001` and `1` are one number to those who count, and no two files to those who do not. */
export function withoutZeros(key: string): string {
  return /^\d+$/.test(key) ? key.replace(/^0+(?=\d)/, "") : key;
}
