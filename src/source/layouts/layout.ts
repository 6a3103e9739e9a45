/**
 * What a layout is: another tool's way to organise a folder. One file of `layouts/` for each says which files are migrations,
 * in which order, and what a file says; everything else is the same for all of them and in `in-place.ts`.
 */
import type { MigrationSettings, ToolKey } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import type { Section } from "../plain/sections.ts";

export interface Layout {
  /** As `--layout` has it. */
  readonly name: string;
  /**
   * Looks at names, and at the indexes that the tool itself keeps (a journal, a plan). Throws `SourceError` where the
   * folder is missing, empty, not of this layout, or of a version that is not run (`LAYOUT_REFUSED`).
   */
  discover(folder: string, options: LayoutOptions): Discovery;
}

export interface LayoutOptions {
  /** Name → what the tool puts in its place. */
  readonly placeholders: Readonly<Record<string, string>>;
  /** For layouts whose files may name variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The schemas in which names without one are looked for, where that is configured; left out where nobody knows. */
  readonly searchPath?: readonly string[] | null;
}

export interface Discovery {
  /** In the order in which the tool itself would run them. */
  readonly entries: readonly Entry[];
  /** What belongs to no entry. */
  readonly problems: readonly Problem[];
}

export interface Entry {
  /** Unique; the file or folder name without extension, unless the tool names its migrations otherwise. */
  readonly id: string;
  /** Runs again whenever its text changed. */
  readonly repeatable?: boolean;
  /** The same, but in its place in the line. */
  readonly rerun?: boolean;
  /** Path below the folder, with `/`. Several entries may share a file. */
  readonly file: string;
  /** Its way back, where that is a file of its own. */
  readonly downFile?: string | undefined;
  /** Why it cannot run; then its file is not read. */
  readonly problem?: Problem | undefined;
  /** What the tool's history knows it by, where its file is not read. */
  readonly tool?: ToolKey | undefined;
  /** What the file says. Pure, and never throws: what is wrong is in `problems`. */
  read(file: FileText): Reading;
  /** What `downFile` says, where that is more than its text. Pure, and never throws. */
  readDown?(file: FileText): Section;
}

export interface FileText {
  /** To show. */
  readonly file: string;
  /** As it lies there; for the tool's own checksum. */
  readonly bytes: Buffer;
  /** Canonical: UTF-8, no byte order mark, LF. Lines and offsets count in it. */
  readonly text: string;
}

export interface Reading {
  /** May be empty: then it is applied by doing nothing. Offsets must be those of the file from `line` on. */
  readonly up: Section;
  /** A way back in the same file. */
  readonly down?: Section | null | undefined;
  readonly settings?: MigrationSettings | undefined;
  readonly tool?: ToolKey | undefined;
  /** What the migration's checksum covers, where that is not the text of the whole file. */
  readonly identity?: string | undefined;
  readonly problems?: readonly Problem[] | undefined;
}

/** All of a file, upwards. */
export function wholeFile({ text }: FileText, transaction?: boolean): Section {
  return { text, line: 1, transaction };
}
