/** What a command is: a row of the table in `commands.ts`, and a file of `commands/` that carries it out. */
import type { Config } from "../config/config.ts";
import type { Observe } from "../run/events.ts";
import type { Terminal } from "./terminal.ts";

export interface CommandRow {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** As commander reads them: `[revision]`, `<name…>`. */
  readonly arguments?: readonly { readonly syntax: string; readonly help: string }[];
  readonly flags?: readonly { readonly syntax: string; readonly help: string }[];
  /** Whether the options about planning apply. */
  readonly plans?: boolean;
  /** More than the summary, for `--help`. */
  readonly description?: string;
  readonly examples: readonly (readonly [command: string, does: string])[];
  readonly load: () => Promise<{ readonly run: Run }>;
}

export type Run = (invocation: Invocation) => Promise<Answer>;

export interface Invocation {
  readonly arguments: readonly string[];
  /** The command's own flags, by their camelCase name. */
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  /** Read when first asked for: `init` and `completion` need none. */
  readonly config: () => Promise<Config>;
  readonly terminal: Terminal;
  readonly signal: AbortSignal;
  readonly observe: Observe;
  /** One line for people on stderr. */
  readonly say: (line: string, options?: { readonly loud: boolean }) => void;
  readonly json: boolean;
  /** The whole table. */
  readonly commands: readonly CommandRow[];
}

export interface Answer {
  /** Merged into the one document that `--json` prints. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Printed on stdout without `--json`. */
  readonly text: string;
  /** `false`: a mere confirmation, which `--quiet` leaves out. */
  readonly result: boolean;
  /** 1: the question was answered with no. */
  readonly exitCode?: 0 | 1;
}
