/** The order of columns is no difference that a statement could make. Pure. */
import type { SchemaDifference } from "../schema/compare.ts";
import { IN_ORDER } from "../schema/compare.ts";

export function withoutMoves(all: readonly SchemaDifference[]) {
  const differences: SchemaDifference[] = [];
  const moved: string[] = [];
  for (const { change, kind, name, attributes } of all) {
    const others = attributes.filter(({ attribute }) => attribute !== IN_ORDER);
    if (others.length < attributes.length) moved.push(name);
    if (change !== "changed" || others.length > 0)
      differences.push({ change, kind, name, attributes: others });
  }
  return { differences, moved };
}
