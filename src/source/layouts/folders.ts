/**
 * A folder for each migration, with `up.sql` and optionally `down.sql`: diesel's form. The version is the text before
 * the first `_`, without `-`. Versions are compared as text.
 *
 * `metadata.toml` says whether the migration runs in a transaction. The tool's own rule has a trap: a file that does not
 * contain `run_in_transaction` turns the transaction off.
 */
import { join } from "node:path";
import type { ToolKey } from "../../core/migration.ts";
import { type Problem, SourceError } from "../../errors.ts";
import { isThere, readFolder } from "../folder.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { type Discovery, type FileText, type Reading, wholeFile } from "./layout.ts";
import { byBytes, refuseShared, type Versioned } from "./versions.ts";

export function discoverFolders(
  layout: string,
  { folder, keyOf }: { folder: string; keyOf?: (version: string) => ToolKey },
): Discovery {
  const entries = readFolder(folder)
    .filter(({ name }) => !name.startsWith("."))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      const file = `${entry.name}/up.sql`;
      if (isThere(join(folder, file))) return [entryOf(folder, { name: entry.name, keyOf })];
      if (!entry.isDirectory() || readFolder(path).length === 0) return [];
      return [{ ...entryOf(folder, { name: entry.name, keyOf }), problem: withoutFile(entry.name) }];
    })
    .sort((left, right) => byBytes(left.version, right.version) || byBytes(left.id, right.id));
  if (!entries.some(({ problem }) => problem === undefined))
    throw new SourceError([
      layoutRefused(layout, {
        folder,
        why: "there is no folder with up.sql in it",
        hint: "Name the folder of the migrations with --dir, or another layout with --layout.",
      }),
    ]);
  return { entries: refuseShared(entries), problems: [] };
}

function entryOf(
  folder: string,
  { name, keyOf }: { name: string; keyOf: ((version: string) => ToolKey) | undefined },
): Versioned {
  const version = (name.split("_", 1)[0] ?? "").replaceAll("-", "");
  const down = `${name}/down.sql`;
  const transaction = transactionOf(folder, `${name}/metadata.toml`);
  return {
    id: name,
    file: `${name}/up.sql`,
    downFile: isThere(join(folder, down)) ? down : undefined,
    version,
    problem: undefined,
    read: (file) => reading(file, { tool: keyOf?.(version), transaction }),
  };
}

function reading(
  file: FileText,
  { tool, transaction }: { tool: ToolKey | undefined; transaction: boolean | undefined },
): Reading {
  return { up: wholeFile(file), settings: { transaction }, tool };
}

/** `false`, or `undefined` if the statements decide. */
function transactionOf(folder: string, file: string): false | undefined {
  const path = join(folder, file);
  return isThere(path) && saysOutside(readText(path, file)) ? false : undefined;
}

/** Reads enough TOML for a file with one key. A file that is not TOML counts as absent, as for the tool. Pure. */
export function saysOutside(toml: string): boolean {
  let value: string | undefined;
  let top = true;
  for (const line of toml.split("\n")) {
    const code = line.replace(/#.*$/, "").trim();
    if (code === "") continue;
    const [, key, given] = /^([\w.-]+|"[^"]*"|'[^']*')\s*=\s*(\S.*)$/.exec(code) ?? [];
    if (/^\[.*\]$/.test(code)) top = false;
    else if (key === undefined) return false;
    else if (top && key.replace(/["']/g, "") === "run_in_transaction") value = given;
  }
  return value === undefined || value === "false";
}

function withoutFile(name: string): Problem {
  return {
    code: "SOURCE_FILE_UNREADABLE",
    message: `The folder ${name} has no up.sql.`,
    hint: "Restore the file from version control, or remove the folder.",
    place: { file: name },
  };
}
