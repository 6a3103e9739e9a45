/**
 * What a form needs to write its script. `script/` provides it, because it knows what psql would change in a
 * text.
 */
import type { SourceError } from "../../errors.ts";
import type { Source } from "../../source/source.ts";
import type { FrameParts } from "./frame.ts";

/** The pen of one step. */
export interface ScriptPen {
  readonly layout: Source["layout"];
  readonly parts: FrameParts;
  /** Ends the run's own SQL with a semicolon. */
  readonly own: (sql: string) => string;
  /** Ends the author's SQL with a semicolon, and makes psql send it unchanged. */
  readonly text: (sql: string) => string;
  /**
   * The statements that the step's module sends. Throws `SourceError` where they depend on an answer of the
   * server.
   */
  readonly recorded: () => Promise<string>;
  readonly refused: (why: string) => SourceError;
}
