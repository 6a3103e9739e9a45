/** Where migrations are discovered. One sibling file per layout implements this. */
import type { Direction, Migration, MigrationSettings } from "../core/migration.ts";
import type { Problem } from "../errors.ts";
import type { Call, Recorded, Returned } from "../host/call.ts";
import type { CommandEnd, CommandOptions } from "../host/command.ts";
import type { ToolPlace } from "./detect/tool-place.ts";

export interface Source {
  /** `plain`, `drizzle`, … */
  readonly layout: string;
  /** The folder, absolute. */
  readonly folder: string;
  /**
   * Everything that is there. A broken file is a migration with a `problem`; what cannot be given an
   * id at all is in `problems`. Throws `SourceError` only when the folder itself is missing, unreadable
   * or empty.
   */
  list(): Promise<Listing>;
  /**
   * The text or function behind a listed migration. Throws `SourceError` when the file is gone or is not
   * the one that was listed (its checksum changed).
   */
  read(migration: Migration, direction: Direction): Promise<Content>;
  /** Where a tool keeps its history, as its own configuration beside the files says; `null`: nothing says it. */
  historyPlace?(tool: string): ToolPlace | null;
  /** Told the facts of the database before it reads a text. Left out: no text depends on them. */
  inform?(facts: DatabaseFacts): void;
  /** Carries out the migrations in place of the run, where the target has a program for that. */
  readonly program?: Program | undefined;
  /** The same files, with a process of its own for their code. Left out: it runs none. */
  apart?(): Source;
  /** Ends the process in which modules are loaded, if there is one. Safe to call twice. */
  close?(): Promise<void>;
}

/** What the texts of some tools refer to, and only the database knows. */
export interface DatabaseFacts {
  readonly database: string;
  readonly owner: string;
}

export interface Listing {
  readonly migrations: readonly Migration[];
  readonly problems: readonly Problem[];
  /** What is said of the files, and stops nothing. */
  readonly notes?: readonly Problem[] | undefined;
}

export type Content =
  | {
      readonly kind: "sql";
      readonly text: string;
      readonly file: string;
      /** The line of the file on which `text` starts, from 1. */
      readonly line: number;
      /** The settings of this direction, in place of the migration's: a down file has a header of its own. */
      readonly settings?: MigrationSettings | undefined;
      /** `true`: BEGIN and COMMIT in it mean what they say, as for the tool that it was written for. */
      readonly ownTransactions?: boolean | undefined;
    }
  | {
      readonly kind: "module";
      readonly file: string;
      /** Its text names something that is called like a secret: no value that it hands to the server is shown. */
      readonly namesSecret: boolean;
      /** Calls the function. Throws what it throws, and how its process ended. */
      readonly call: (call: Call) => Promise<Returned>;
      /** Calls it only to write its statements down. */
      readonly record: (call: Omit<Call, "ask" | "parameterKinds" | "execute" | "late">) => Promise<Recorded>;
    };

/** Carries out one migration. Throws the system's error if the program can't be started. */
export type Program = (
  migration: Pick<Migration, "id" | "file">,
  direction: Direction,
  options: Pick<CommandOptions, "signal" | "print" | "onStart">,
) => Promise<CommandEnd>;
