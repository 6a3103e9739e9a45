/** What a rule is. Each rule is a file of this folder, and a line in `rules.ts`. */
import type { Listing, Source } from "../../source/source.ts";
import type { Level } from "../finding.ts";
import type { ReadStatement, Script } from "../script.ts";

export interface Rule {
  readonly id: string;
  /** Unless the configuration says otherwise. */
  readonly level: Level;
  /** What it finds: one sentence. */
  readonly what: string;
  readonly why: string;
  /** The safer way, as one sentence. */
  readonly safer: string;
  /** Files that it refuses, and files that it accepts, by name. The docs show the first, and tests try both. */
  readonly bad: Example;
  readonly good: Example;
  readonly check?: (script: Script, world: RuleContext) => readonly Hit[];
  /** The same for a migration in TypeScript or JavaScript. */
  readonly checkModule?: (module: ModuleText) => readonly Hit[];
  /** The same for the folder as a whole. */
  readonly checkFolder?: (folder: Folder) => readonly FolderHit[];
}

export interface Example {
  readonly files: Readonly<Record<string, string>>;
  /** The major version of the server. Left out: it is not known. */
  readonly server?: number;
}

export interface RuleContext {
  /** The major version of the server. `null`: it is not known. */
  readonly server: number | null;
}

export interface Hit {
  /** Offset in the text of the script, in UTF-16 units. */
  readonly at: number;
  readonly message: string;
  /** In place of the rule's safer way. */
  readonly hint?: string;
}

export interface ModuleText {
  readonly file: string;
  readonly text: string;
}

export interface Folder {
  readonly source: Pick<Source, "layout">;
  readonly listing: Listing;
  readonly now: Date;
}

export interface FolderHit {
  readonly file: string;
  readonly message: string;
}

/** One hit for each statement for which `find` says something. */
export function eachStatement(
  { statements }: Script,
  find: (statement: ReadStatement) => string | readonly string[] | null | undefined,
): readonly Hit[] {
  return statements.flatMap((statement) =>
    [find(statement) ?? []].flat().map((message) => ({ at: statement.start, message })),
  );
}
