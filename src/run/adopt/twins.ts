/**
 * Problems for rows without a file that share a name with a migration. Liquibase knows a changeset by its path, and
 * the start of that path depends on where Liquibase was started. Then all paths differ in the same way, and one
 * message says so.
 */
import type { Problem } from "../../errors.ts";
import type { ToolEvent } from "../../tools/compare.ts";
import { pathOf } from "../../tools/liquibase.ts";
import { describeTable } from "../../tools/tool.ts";
import type { FoundHistory } from "../mirror/histories.ts";
import { sameName } from "./problems.ts";

type Twin = Extract<ToolEvent, { kind: "same-name" }>;

export function twinProblems(found: FoundHistory, twins: readonly Twin[]): readonly Problem[] {
  if (found.tool.name !== "liquibase") return twins.map((twin) => sameName(found, twin));
  const groups = new Map<string, Moved[]>();
  const alone: Twin[] = [];
  for (const twin of twins) {
    const moved = movedIn(twin);
    if (moved === null) alone.push(twin);
    else groups.set(moved.key, [...(groups.get(moved.key) ?? []), moved]);
  }
  return [
    ...[...groups.values()].map((group) => otherPath(found, group)),
    ...alone.map((twin) => sameName(found, twin)),
  ];
}

interface Moved {
  readonly key: string;
  readonly id: string;
  /** The whole path in the history, as written. */
  readonly path: string;
  /** The front of the path in the history, before the part that both paths share. */
  readonly there: string;
  readonly here: string;
}

/** `null`: the two files have different names. */
function movedIn({ id, row, applied }: Twin): Moved | null {
  const path = pathOf(row.name);
  const [one, other] = [path.split("/"), pathOf(id).split("/")];
  let same = 0;
  while (same < Math.min(one.length, other.length) && alike(one.at(-1 - same), other.at(-1 - same))) same++;
  if (same === 0 || applied === true) return null;
  const front = (parts: readonly string[]) =>
    parts
      .slice(0, parts.length - same)
      .map((part) => `${part}/`)
      .join("");
  const [there, here] = [front(one), front(other)];
  if (there === here) return null;
  return { key: JSON.stringify([there, here]), id, path, there, here };
}

function alike(one: string | undefined, other: string | undefined): boolean {
  return one?.toLowerCase() === other?.toLowerCase();
}

function otherPath({ tool, table }: FoundHistory, group: readonly Moved[]): Problem {
  const [{ there, here, path } = { there: "", here: "", path: "" }] = group;
  const ids = group.map(({ id }) => id);
  const [is, begin] = ids.length === 1 ? ["is", "its path begins"] : ["are", "their paths begin"];
  const one = new Set(group.map((each) => each.path.toLowerCase())).size === 1;
  const line = `changeLogFile=${one ? path : `${there}<the root changelog>`}`;
  const root = one
    ? ""
    : "; where there is no root changelog, name with --dir the folder that these paths start from";
  const hint =
    here === ""
      ? `If they are the same: write \`${line}\` into a liquibase.properties beside the changelog or above it${root}.`
      : there === ""
        ? `If they are the same: name the folder ${here.replace(/\/$/, "")} with --dir, because the paths of ${tool.title} start there.`
        : `If they are the same: name with --dir the folder that the paths of ${tool.title} start from, or write \`${line}\` into a liquibase.properties there.`;
  return {
    code: "ADOPT_CONFLICT",
    message: `${namesOf(ids)} ${is} pending, and ${tool.title} has applied the same by id and author (${describeTable(table)}): there ${begin} with ${shown(there)}, here with ${shown(here)}.`,
    hint: `${hint} If they are others, give them other ids. Nothing was changed.`,
    details: { tool: tool.name, table: describeTable(table), revisions: ids, row: path },
  };
}

function shown(front: string): string {
  return front === "" ? "nothing in front" : front;
}

function namesOf(ids: readonly string[]): string {
  return `${ids.slice(0, 3).join(", ")}${ids.length > 3 ? ", …" : ""}`;
}
