/** What a look at a tool's history answers about single revisions, for what a person says of them. */
import { compare, isSettled, rowsOfOthers, type Sets } from "../../tools/compare.ts";
import type { ToolRow } from "../../tools/tool.ts";
import type { Look } from "../mirror/tool-look.ts";
import { idOf, ofKind } from "./events.ts";

/** A row without a file that a person now says is this one. */
export function twinIn({ sets }: Look, revision: string): ToolRow | undefined {
  const twins = sets === null ? [] : ofKind(compare(sets), "same-name");
  return twins.find(({ id }) => id === revision)?.row;
}

/** What is applied for us, was in the tool's history, and is not any more. */
export function lostIn({ sets, memory, tool }: Look): ReadonlySet<string> {
  if (sets === null) return memory.seen.get(tool.name)?.subjects ?? new Set();
  const events = compare(sets);
  return new Set([...ofKind(events, "taken-back-there"), ...ofKind(events, "unremembered")].map(idOf));
}

/** What a row of the tool says is applied, and our ledger does not know. */
export function unsettledIn(sets: Sets): readonly string[] {
  const events = compare(sets);
  const there = ofKind(events, "applied-there").filter(({ one }) => one.row !== null);
  return [...ofKind(events, "uncertain"), ...there].map(idOf);
}

/** Whether all that the tool has applied is of files that are not here. `judge` refuses that. */
export function hasOtherFiles(look: Look | null): boolean {
  return look?.sets != null && rowsOfOthers(look.sets).length > 0;
}

/** Rows that a person has answered for by declaring files in the place of all old ones. */
export function replacedRows({ sets }: Look): readonly ToolRow[] {
  return sets === null ? [] : sets.match.missing.filter((row) => !isSettled(row, sets.seen));
}
