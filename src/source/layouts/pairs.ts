/** `<digits>_<title>.up.sql` and `<digits>_<title>.down.sql`, by version number: golang-migrate's form. */

import type { ToolKey } from "../../core/migration.ts";
import { compareNumbers } from "../../core/order.ts";
import { withoutZeros } from "../../core/version.ts";
import { SourceError } from "../../errors.ts";
import { readFolder } from "../folder.ts";
import { duplicateVersion, layoutRefused } from "../problems.ts";
import { type Discovery, type Entry, wholeFile } from "./layout.ts";

interface Pair {
  readonly up: string[];
  readonly down: string[];
}

/** Ignores other names. */
export function discoverPairs(
  layout: string,
  { folder, keyOf }: { folder: string; keyOf?: (version: string) => ToolKey },
): Discovery {
  const pairs = new Map<string, Pair>();
  for (const entry of readFolder(folder)) {
    const [, digits, , direction] = NAME.exec(entry.name) ?? [];
    if (digits === undefined || entry.isDirectory()) continue;
    const version = withoutZeros(digits);
    if (compareNumbers(version, GREATEST) > 0) continue;
    const pair = pairs.get(version) ?? { up: [], down: [] };
    pairs.set(version, pair);
    pair[direction === "up" ? "up" : "down"].push(entry.name);
  }
  if (pairs.size === 0)
    throw new SourceError([
      layoutRefused(layout, {
        folder,
        why: "there is no file named <digits>_<title>.up.sql in it",
        hint: "Name the folder of the migrations with --dir, or another layout with --layout.",
      }),
    ]);
  const versions = [...pairs].sort(([left], [right]) => compareNumbers(left, right));
  return {
    entries: versions.map(([version, pair]) => entryOf(version, pair, keyOf?.(version))),
    problems: [],
  };
}

const NAME = /^([0-9]+)_(.*)\.(up|down)\.(.*)$/;
/** The greatest value of 64 bits. The tool ignores greater ones. */
const GREATEST = "18446744073709551615";

/** A down file alone is a migration whose way up does nothing, as for the tool. */
function entryOf(version: string, { up, down }: Pair, tool: ToolKey | undefined): Entry {
  const [file = down[0] ?? "", second] = up;
  const clash = second === undefined ? down : up;
  const problem =
    clash[1] === undefined ? undefined : duplicateVersion(version, [...clash] as [string, string]);
  return {
    id: file.replace(/\.(?:up|down)\.[^.]*$/, ""),
    file,
    downFile: down[0],
    problem,
    read: (text) =>
      up.length > 0
        ? { up: wholeFile(text), tool }
        : { up: wholeFile({ ...text, text: "" }), identity: "", tool },
  };
}
