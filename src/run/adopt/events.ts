/** Picks from the differences between a tool's history and our ledger. */
import type { ToolEvent, ToolEventKind } from "../../tools/compare.ts";

export const idOf = ({ id }: { readonly id: string }) => id;

export function ofKind<K extends ToolEventKind>(
  events: readonly ToolEvent[],
  kind: K,
): readonly Extract<ToolEvent, { kind: K }>[] {
  return events.filter((event): event is Extract<ToolEvent, { kind: K }> => event.kind === kind);
}
