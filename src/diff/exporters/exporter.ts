/** A tool that describes schemas, and how it is told to write one as SQL. */
import { ConfigError } from "../../errors.ts";

/** One of the tools. */
export interface Exporter {
  /** As it is written before a colon, and shown. */
  readonly name: string;
  /** Throws `ConfigError` if the tool is not there. */
  command(subject: string, place: ExportPlace): ExportCommand;
  /** The lines of stderr that say what went wrong. */
  words(lines: readonly string[]): readonly string[];
  /** The last line of what it writes. Without that line it ended in the middle. */
  readonly end?: string;
  /** The table of the tool's own history, which no schema describes. */
  readonly history: string;
}

export interface ExportPlace {
  /** The folder of the project. */
  readonly root: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface ExportCommand {
  readonly words: readonly string[];
  readonly folder: string;
  /** Followed if it fails. */
  readonly hint: string;
}

export function notInstalled(tool: string, folder: string): ConfigError {
  return new ConfigError({
    code: "SCHEMA_EXPORTER_MISSING",
    message: `${tool} exports the desired schema, and it is not installed for ${folder}.`,
    hint: `Install it there (npm install --save-dev ${tool}), or name a file of SQL.`,
    details: { tool, folder },
  });
}
