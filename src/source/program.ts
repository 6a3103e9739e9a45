/**
 * A source whose migrations are carried out by a program of the user's, file by file: the files are listed and ordered as
 * usual, and what is in them is the program's business.
 */
import type { Direction, Migration } from "../core/migration.ts";
import { type CommandEnd, type CommandOptions, runCommand } from "../host/command.ts";
import type { Source } from "./source.ts";

/** Carries out one migration. Throws the system's error if the program can't be started. */
export type Program = (
  migration: Pick<Migration, "id" | "file">,
  direction: Direction,
  options: Pick<CommandOptions, "signal" | "print" | "onStart">,
) => Promise<CommandEnd>;

export interface ProgramOptions extends Pick<CommandOptions, "folder" | "environment"> {
  /** The program and its words. No shell is between. */
  readonly words: readonly string[];
}

/** What the words may hold, and what a migration puts there. */
const PLACES = {
  "{file}": ({ migration, folder }) => `${folder}/${migration.file}`,
  "{revision}": ({ migration }) => migration.id,
  "{direction}": ({ direction }) => direction,
} as const satisfies Record<
  string,
  (step: { migration: Pick<Migration, "id" | "file">; direction: Direction; folder: string }) => string
>;
export const PLACE_NAMES: readonly string[] = Object.keys(PLACES);

/** Only a program that is told the direction has a way back. It runs outside of our transactions. */
export function withProgram(source: Source, options: ProgramOptions): Source {
  const { words } = options;
  const revertible = words.some((word) => word.includes("{direction}"));
  const program: Program = (migration, direction, more) => {
    const step = { migration, direction, folder: source.folder };
    const filled = words.map((word) =>
      Object.entries(PLACES).reduce((text, [place, of]) => text.replaceAll(place, () => of(step)), word),
    );
    return runCommand(filled, { ...options, ...more });
  };
  return {
    ...source,
    program,
    async list() {
      const { migrations, problems } = await source.list();
      return { migrations: migrations.map((migration) => ({ ...migration, revertible })), problems };
    },
    apart: () => withProgram(source.apart?.() ?? source, options),
  };
}
