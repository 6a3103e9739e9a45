/**
 * A layout is the way in which another tool organises its folder. Each layout has one file in `layouts/`. It says which
 * files are migrations, in which order, and what a file says. Everything else is common to all of them and is in
 * `in-place.ts`.
 */
import type { MigrationSettings, ToolKey } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import type { Section } from "../plain/sections.ts";
import type { DatabaseFacts } from "../source.ts";

export interface Layout {
  /** The name that `--layout` takes. */
  readonly name: string;
  /** Its texts may refer to facts of the database. */
  readonly usesFacts?: true;
  /**
   * Reads names, and the indexes that the tool itself keeps (a journal, a plan). Throws `SourceError` if the folder is
   * missing or empty, is not of this layout, or has a version that is not supported (`LAYOUT_REFUSED`).
   */
  discover(folder: string, options: LayoutOptions): Discovery;
}

export interface LayoutOptions {
  /** The name of a placeholder → the value that the tool inserts. */
  readonly placeholders: Readonly<Record<string, string>>;
  /** The environment, for layouts whose files may refer to variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The configured search path, which decides where names without a schema are looked up. Undefined if it is unknown. */
  readonly searchPath?: readonly string[] | null;
  /** What only the database knows. `null` until it is reached. */
  readonly facts?: () => DatabaseFacts | null;
}

export interface Discovery {
  /** The entries in the order in which the tool would run them. */
  readonly entries: readonly Entry[];
  /** Problems that belong to no single entry. */
  readonly problems: readonly Problem[];
  /** SQL that the tool leaves alone. Left out: SQL files in the folder that belong to no entry. */
  readonly unlisted?: Unlisted | undefined;
}

export interface Unlisted {
  readonly names: readonly string[];
  /** What leaves them alone, in front of "it" or "them". Left out: the tool does not run them. */
  readonly why?: string;
  readonly hint?: string;
}

export interface Entry {
  /** Unique. It is the file or folder name without extension, unless the tool names its migrations otherwise. */
  readonly id: string;
  /** Runs again whenever its text changes. */
  readonly repeatable?: boolean;
  /** The same, but it keeps its place in the line. */
  readonly rerun?: boolean;
  /** The path below the folder, with `/`. Several entries may share a file. */
  readonly file: string;
  /** The file of the way back, if it is a separate file. */
  readonly downFile?: string | undefined;
  /** Why it cannot run. Its file is then not read. */
  readonly problem?: Problem | undefined;
  /** The key in the tool's history, if the file is not read. */
  readonly tool?: ToolKey | undefined;
  /** Reads what the file says. Pure, and never throws: faults go into `problems`. */
  read(file: FileText): Reading;
  /** Reads what `downFile` says, if that is more than its text. Pure, and never throws. */
  readDown?(file: FileText): Section;
}

export interface FileText {
  /** The path in messages. */
  readonly file: string;
  /** The bytes as the file holds them, for the tool's own checksum. */
  readonly bytes: Buffer;
  /** The canonical text: UTF-8, no byte order mark, LF. Lines and offsets refer to it. */
  readonly text: string;
}

export interface Reading {
  /** If it is empty, applying it does nothing. From `line` on, offsets must equal those of the file. */
  readonly up: Section;
  /** The way back, if it is in the same file. */
  readonly down?: Section | null | undefined;
  readonly settings?: MigrationSettings | undefined;
  readonly tool?: ToolKey | undefined;
  /** The text that the migration's checksum covers, if it is not the whole file. */
  readonly identity?: string | undefined;
  readonly problems?: readonly Problem[] | undefined;
  /** What stands in the way of running it for as long as the database is not reached. */
  readonly unknown?: readonly Problem[] | undefined;
}

/** The whole file as the up section. */
export function wholeFile({ text }: FileText, transaction?: boolean): Section {
  return { text, line: 1, transaction };
}
