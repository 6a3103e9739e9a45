/**
 * Flyway: `flyway_schema_history`, formerly `schema_version`, with a row for every execution in the order of
 * `installed_rank`. The last row of a version counts: DELETE (a repaired, missing file) and UNDO remove it. Up to the
 * version of a baseline, files count as applied without rows. Rows of types other than SQL are those of programs, and
 * need no file.
 */
import type { Migration } from "../core/migration.ts";
import { keyOfFlyway } from "./keys.ts";
import { isEdited } from "./match.ts";
import {
  type Applied,
  BOOLEAN,
  failed,
  type Match,
  type MirroredStep,
  nameOf,
  type Relation,
  selectText,
  type TextRow,
  type Tool,
  type ToolHistory,
  type ToolRow,
} from "./tool.ts";

export const flyway: Tool = {
  name: "flyway",
  title: "Flyway",
  table: "flyway_schema_history",
  layouts: ["flyway"],
  shape: {
    columns: { installed_rank: null, script: null, checksum: null, success: BOOLEAN },
    telling: true,
    names: ["schema_version"],
  },
  select: (table) =>
    selectText(
      table,
      ["version", "description", "type", "script", "checksum", "installed_on", "success"],
      "order by t.installed_rank",
    ),
  read,
  match,
  has,
  advisoryKeys: ({ schema, name }) => [keyOfFlyway(schema, name)],
};

/** A row of this version that no other row removes, or a baseline at or above it. */
function has(table: Relation, { key }: MirroredStep): string | null {
  if (key === null || key.columns?.version === null) return null;
  const name = nameOf(table);
  const parts = (column: string) =>
    `case when ${column} ~ '^[0-9]+([._][0-9]+)*$' then string_to_array(regexp_replace(translate(${column}, '_', '.'), '([.]0+)+$', ''), '.')::numeric[] end`;
  const own = `'{${partsOf(key.version).join(",")}}'::numeric[]`;
  const gone = `exists (select from ${name} l where ${parts("l.version")} = ${own} and l.installed_rank > t.installed_rank and l.type ~ '^(DELETE|UNDO)')`;
  return `select from ${name} t where (${parts("t.version")} = ${own} and t.type !~ '^(DELETE|UNDO)' and not ${gone}) or (t.type ~ 'BASELINE$' and ${parts("t.version")} >= ${own})`;
}

function read(rows: readonly TextRow[]): ToolHistory {
  const broken = rows.filter((row) => row.success === "false");
  const last = new Map<string, TextRow>();
  for (const row of rows) {
    if (row.type === "SCHEMA" || row.success === "false") continue;
    const key = keyOf(row.version ?? null, row.description ?? "");
    last.delete(key);
    last.set(key, row);
  }
  const live = [...last].filter(([, { type }]) => !/^(DELETE|UNDO)/.test(type ?? ""));
  return {
    rows: live.map(([key, row]): ToolRow => {
      const type = row.type ?? "SQL";
      return {
        keys: [key],
        name: (row.script ?? "").replace(/^.*\//, "").replace(/\.sql$/i, "") || key,
        checksum: row.checksum ?? null,
        at: row.installed_on ?? null,
        repeatable: row.version === null,
        withoutFile: type !== "SQL" && type !== "SQL_BASELINE",
        columns: row,
      };
    }),
    problems: broken.map((row) =>
      failed(
        `Flyway ran ${row.script} and it failed; its history says so (success = false).`,
        "Undo by hand what of it is in the database, then say `flyway repair`.",
      ),
    ),
    warnings: [],
  };
}

function match({ rows }: ToolHistory, migrations: readonly Migration[]): Match {
  const byKey = new Map(rows.map((row) => [row.keys[0] ?? "", row]));
  const baseline = rows
    .filter(({ columns }) => /BASELINE$/.test(columns?.type ?? ""))
    .map(({ columns }) => columns?.version ?? "0")
    .reduce<string | null>(
      (high, one) => (high === null || compareVersions(one, high) > 0 ? one : high),
      null,
    );
  const implying = rows
    .filter(({ columns }) => /BASELINE$/.test(columns?.type ?? ""))
    .map(({ name }) => name);
  const known = new Set<ToolRow>();
  const applied = migrations.flatMap((migration): Applied[] => {
    const { id, kind, tool } = migration;
    if (tool === undefined) return [];
    const row = byKey.get(keyOf(kind === "repeatable" ? null : tool.version, tool.version));
    const isBaseline = tool.columns?.type === "SQL_BASELINE";
    if (row !== undefined && (row.columns?.type === "SQL_BASELINE") === isBaseline) {
      known.add(row);
      return [{ id, row, edited: isEdited(migration, row) }];
    }
    // A baseline file is for an empty database and no longer needed. Files below a baseline were left out.
    const below = kind !== "repeatable" && baseline !== null && compareVersions(tool.version, baseline) <= 0;
    if (rows.length > 0 && (isBaseline || below)) {
      if (row !== undefined) known.add(row);
      const one = { id, row: null, edited: false };
      return [isBaseline ? one : { ...one, implied: { by: implying, inLine: false } }];
    }
    return [];
  });
  return {
    applied,
    skipped: [],
    missing: rows.filter((row) => !known.has(row) && row.withoutFile !== true),
    warnings: [],
  };
}

function keyOf(version: string | null, description: string): string {
  return version === null ? `R ${description}` : `V ${partsOf(version).join(".")}`;
}

/** `01`, `1` and `1.0` are the same version. */
function partsOf(version: string): readonly bigint[] {
  const parts = version.split(/[._]/).map((part) => (/^\d+$/.test(part) ? BigInt(part) : 0n));
  while (parts.length > 1 && parts.at(-1) === 0n) parts.pop();
  return parts;
}

function compareVersions(left: string, right: string): number {
  const [one, other] = [partsOf(left), partsOf(right)];
  for (let at = 0; at < Math.max(one.length, other.length); at++) {
    const difference = (one[at] ?? 0n) - (other[at] ?? 0n);
    if (difference !== 0n) return difference > 0n ? 1 : -1;
  }
  return 0;
}
