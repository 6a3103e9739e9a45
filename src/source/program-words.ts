/** The words of a program that carries out migrations, and the places in them. */
import type { Direction, Migration } from "../core/migration.ts";

interface OfStep {
  readonly migration: Pick<Migration, "id" | "file">;
  readonly direction: Direction;
  /** The folder of the migrations. */
  readonly folder: string;
}

/** What the words may hold, and what a migration puts there. */
const PLACES: Readonly<Record<string, (step: OfStep) => string>> = {
  "{file}": ({ migration, folder }) => `${folder}/${migration.file}`,
  "{revision}": ({ migration }) => migration.id,
  "{direction}": ({ direction }) => direction,
};

export const PLACE_NAMES: readonly string[] = Object.keys(PLACES);

/** A value is filled in as it is: a name that looks like a place is none. */
export function fill(words: readonly string[], step: OfStep): readonly string[] {
  return words.map((word) => word.replace(/\{\w+\}/g, (place) => PLACES[place]?.(step) ?? place));
}
