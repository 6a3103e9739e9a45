/** Writes lines to stderr: text for people, or JSON for machines that collect them. */
import type { Problem } from "../../errors.ts";
import { presentable, presentableData, redact } from "../../std/secret.ts";
import { visible, visibleWithin } from "../../std/visible.ts";
import { formatProblem } from "./problems.ts";
import type { Terminal } from "./terminal.ts";

export type Level = "debug" | "info" | "warn" | "error";

export interface Fields {
  readonly filename?: string;
  /** The name of the target, if there are several. */
  readonly target?: string;
  /** Milliseconds. */
  readonly duration?: number;
  readonly code?: string;
  /** What to do about it, on a separate line. */
  readonly hint?: string;
  /** `true`: left out where a live line says the same. */
  readonly unlessLive?: boolean;
  /** How far an import is, as data. */
  readonly figures?: object;
}

export interface Log {
  write(level: Level, message: string, fields?: Fields): void;
  /** Shows what is going on, in one or more lines. An empty text removes them. Only a terminal shows it. */
  live(message: string): void;
  done(message: string, remark: string, fields?: Fields): void;
  failed(message: string, fields?: Fields): void;
  problem(level: "warn" | "error", problem: Problem, fields?: Pick<Fields, "target">): void;
}

export interface LogOptions {
  readonly terminal: Terminal;
  readonly quiet: boolean;
  readonly verbose: boolean;
}

export function createTextLog({ terminal, quiet, verbose }: LogOptions): Log {
  const paint = terminal.paintError;
  let shown = 0;
  const clear = () => {
    if (shown > 0) terminal.error(`\r${shown > 1 ? `\u001b[${shown - 1}A` : ""}\u001b[J`);
    shown = 0;
  };
  const print = (line: string) => {
    clear();
    terminal.error(`${redact(line)}\n`);
  };
  const wants = (level: Level) =>
    level === "warn" || level === "error" || (level === "info" ? !quiet : verbose && !quiet);
  return {
    write(level, message, fields = {}) {
      if (!wants(level) || (fields.unlessLive === true && terminal.live)) return;
      const label =
        level === "warn" ? paint("yellow", "warning: ") : level === "error" ? paint("red", "error: ") : "";
      const said = visibleWithin(message);
      print(level === "debug" ? paint("dim", said) : `${label}${said}`);
      if (fields.hint !== undefined) print(`  ${paint("cyan", "→")} ${visibleWithin(fields.hint)}`);
    },
    live(message) {
      if (!terminal.live || quiet) return;
      clear();
      if (message === "") return;
      const lines = redact(message).split("\n");
      terminal.error(
        lines.map((line) => paint("dim", within(`  ${visible(line)}`, terminal.columns - 3))).join("\n"),
      );
      shown = lines.length;
    },
    done(message, remark) {
      if (!quiet) print(`${paint("green", "✓")} ${visible(message)} ${paint("dim", `(${remark})`)}`);
    },
    failed(message) {
      print(`${paint("red", "✗")} ${visible(message)}`);
    },
    problem(level, problem) {
      clear();
      terminal.error(formatProblem(level === "warn" ? "warning" : "error", problem, paint));
    },
  };
}

/** A line that wraps could not be removed again. The terminal writes `^C` behind it, which has two columns. */
function within(line: string, columns: number): string {
  return line.length <= columns ? line : `${line.slice(0, columns - 1)}…`;
}

/**
 * A log with one JSON object in each line: `timestamp`, `level`, `message`, `component`, `instanceId`. Where they
 * apply also `duration`, `filename`, `code`, `hint` and `target`.
 */
export function createJsonLog({ terminal, quiet, verbose }: LogOptions, instanceId: string): Log {
  const write = (level: Level, message: string, fields: Fields = {}) => {
    if (level === "debug" && !verbose) return;
    if (quiet && (level === "debug" || level === "info")) return;
    const { unlessLive: _, duration, ...others } = fields;
    const { hint, figures } = others;
    const line = {
      timestamp: new Date().toISOString(),
      level,
      message: presentable(message),
      component: "godwit",
      instanceId,
      ...(duration === undefined ? {} : { duration: Math.round(duration) }),
      // The other fields hold values of our own.
      ...others,
      ...(hint === undefined ? {} : { hint: presentable(hint) }),
      ...(figures === undefined ? {} : { figures: presentableData(figures) }),
    };
    terminal.error(`${JSON.stringify(line)}\n`);
  };
  return {
    write,
    live() {},
    done: (message, _remark, fields) => write("info", message, fields),
    failed: (message, fields) => write("error", message, fields),
    problem(level, { message, code, hint, place }, { target } = {}) {
      const filename = place?.file;
      write(level, message, {
        code,
        ...(target === undefined ? {} : { target }),
        ...(hint === undefined ? {} : { hint }),
        ...(filename === undefined ? {} : { filename }),
      });
    },
  };
}
