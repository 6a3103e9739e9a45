/** What a form writes a script with. `script/` gives it, and knows what psql would do to a text by itself. */
import type { SourceError } from "../../errors.ts";
import type { Source } from "../../source/source.ts";
import type { FrameParts } from "./frame.ts";

/** Of one step. */
export interface ScriptPen {
  readonly layout: Source["layout"];
  readonly parts: FrameParts;
  /** SQL of the run's own, with a semicolon at its end. */
  readonly own: (sql: string) => string;
  /** SQL of the author's, with a semicolon at its end, such that psql sends it unchanged. */
  readonly text: (sql: string) => string;
  /** The statements that the module of the step sends. Throws `SourceError` where they depend on an answer. */
  readonly recorded: () => Promise<string>;
  readonly refused: (why: string) => SourceError;
}
