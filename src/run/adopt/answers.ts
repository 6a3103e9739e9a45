/** What a look at a tool's history answers about single revisions, for what a person says of them. */
import { compare, rowsOfOthers } from "../../tools/compare.ts";
import { isSettled, type Sets } from "../../tools/sets.ts";
import type { ToolRow } from "../../tools/tool.ts";
import type { ToolView } from "../mirror/tool-look.ts";
import { idOf, ofKind } from "./events.ts";

/** The row without a file that, as a person now says, is this revision's. */
export function twinIn({ sets }: ToolView, revision: string): ToolRow | undefined {
  const twins = sets === null ? [] : ofKind(compare(sets), "same-name");
  return twins.find(({ id }) => id === revision)?.row;
}

/** Revisions that are applied here, were in the tool's history, and are gone from it. */
export function lostIn({ sets, memory, tool }: ToolView): ReadonlySet<string> {
  if (sets === null) return memory.seen.get(tool.name)?.subjects ?? new Set();
  const events = compare(sets);
  return new Set([...ofKind(events, "taken-back-there"), ...ofKind(events, "unremembered")].map(idOf));
}

/** Revisions that a row of the tool calls applied and our ledger does not know. */
export function unsettledIn(sets: Sets): readonly string[] {
  const events = compare(sets);
  const there = ofKind(events, "applied-there").filter(({ one }) => one.row !== null);
  return [...ofKind(events, "uncertain"), ...there].map(idOf);
}

/** Whether `refuseOtherFiles` would throw. */
export function hasOtherFiles(look: ToolView | null): boolean {
  return look?.sets != null && rowsOfOthers(look.sets).length > 0;
}

/** Rows that a person answers for by saying that these files replace all old ones. */
export function replacedRows({ sets }: ToolView): readonly ToolRow[] {
  return sets === null ? [] : sets.match.missing.filter((row) => !isSettled(row, sets.seen));
}
