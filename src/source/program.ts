/**
 * A source whose migrations are carried out by a program of the user's, file by file: the files are listed and ordered as
 * usual, and what is in them is the program's business.
 */
import { type CommandOptions, runCommand } from "../host/command.ts";
import { fill } from "./program-words.ts";
import type { Program, Source } from "./source.ts";

export interface ProgramOptions extends Pick<CommandOptions, "folder" | "environment"> {
  /** The program and its words. No shell is between. */
  readonly words: readonly string[];
}

/** Only a program that is told the direction has a way back. It runs outside of our transactions. */
export function withProgram(source: Source, options: ProgramOptions): Source {
  const { words } = options;
  const revertible = words.some((word) => word.includes("{direction}"));
  const program: Program = (migration, direction, more) => {
    const filled = fill(words, { migration, direction, folder: source.folder });
    return runCommand(filled, { ...options, ...more });
  };
  return {
    ...source,
    program,
    async list() {
      const listing = await source.list();
      const migrations = listing.migrations.map((migration) => ({ ...migration, revertible }));
      return { ...listing, migrations };
    },
    apart: () => withProgram(source.apart?.() ?? source, options),
  };
}
