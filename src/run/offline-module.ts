/**
 * A module in a script: it is run in its own process against a recorder that writes its statements down
 * (`user-code/record.ts`). A module that looks at an answer is refused by name, rather than rendered wrongly.
 */
import { quoted } from "../core/sql/quote.ts";
import { tokenize } from "../core/sql/tokens.ts";
import { type Problem, SourceError } from "../errors.ts";
import type { RecordedStatement } from "../host/protocol.ts";
import { refuseUnbegun } from "./module.ts";
import { refuseTransactionControl } from "./module-control.ts";
import type { Body, Prepared } from "./prepare.ts";
import type { RunContext, Target } from "./target.ts";

interface Recording {
  readonly body: Body & { readonly kind: "module" };
  readonly context: RunContext;
}

/** Throws `SourceError` `SOURCE_NOT_RENDERABLE`. */
export async function record(
  { settings: { idleTimeoutMs } }: Target,
  prepared: Prepared,
  { body, context }: Recording,
): Promise<string> {
  const limit = new AbortController();
  const late = () =>
    limit.abort(notRenderable(prepared, `it has not settled within ${idleTimeoutMs / 1000} s`));
  const timer = idleTimeoutMs > 0 ? setTimeout(late, idleTimeoutMs) : undefined;
  try {
    const { statements, refused, unbegun } = await body.record({
      begun: () => {},
      log: (level, message) => context.observe({ kind: "log", step: prepared.step, level, message }),
      signal: context.signal,
      abandoned: limit.signal,
    });
    for (const { text } of statements) refuseTransactionControl(text, prepared);
    if (refused !== null) throw notRenderable(prepared, refused);
    refuseUnbegun(prepared, unbegun);
    return statements.map((statement) => written(prepared, statement)).join("\n");
  } finally {
    clearTimeout(timer);
  }
}

function written(prepared: Prepared, { form, text, parameters }: RecordedStatement): string {
  return form === "query" ? `${inline(prepared, text, parameters)};` : text.trimEnd().replace(/;?$/, ";");
}

/**
 * Parameters become literals in quotes: the server finds their types as it does those of parameters. Only values whose
 * text it reads in the same way are possible.
 */
function inline(prepared: Prepared, text: string, parameters: readonly unknown[]): string {
  let written = "";
  let at = 0;
  for (const { kind, start, end } of tokenize(text)) {
    if (kind !== "parameter") continue;
    const value = parameters[Number(text.slice(start + 1, end)) - 1];
    if (value === undefined) throw notRenderable(prepared, `${text.slice(start, end)} has no value`);
    written += text.slice(at, start) + textOfValue(prepared, value);
    at = end;
  }
  return written + text.slice(at);
}

function textOfValue(prepared: Prepared, value: unknown): string {
  if (value === null) return "null";
  if (value instanceof Date) return quoted(value.toISOString());
  if (value instanceof Uint8Array) return `'\\x${Buffer.from(value).toString("hex")}'`;
  // Whether it is an array of the server or JSON, only the server can tell.
  if (Array.isArray(value)) throw notRenderable(prepared, "a parameter of it is an array");
  return quoted(typeof value === "object" ? JSON.stringify(value) : String(value));
}

export function notRenderable(prepared: Prepared, why: string): SourceError {
  const problem: Problem = {
    code: "SOURCE_NOT_RENDERABLE",
    message: `${prepared.step.file} cannot be written as SQL: ${why}.`,
    hint: "Run it with godwit up, or write what comes before and behind it: `godwit up --sql <revision>`, `godwit up --sql --from <revision>`.",
    place: { file: prepared.step.file },
  };
  return new SourceError([problem]);
}
