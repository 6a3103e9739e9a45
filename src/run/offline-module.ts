/**
 * A module in a script: it is run against a recorder that writes its statements down. It has no rows to give: a module
 * that looks at an answer cannot be rendered and is refused by name, rather than rendered wrongly.
 */
import { quoted } from "../core/sql/quote.ts";
import { tokenize } from "../core/sql/tokens.ts";
import { type Problem, SourceError } from "../errors.ts";
import { refuseUnbegun } from "./module.ts";
import { handles } from "./module-context.ts";
import { refuseTransactionControl } from "./module-control.ts";
import type { Body, Prepared } from "./prepare.ts";

/** Throws `SourceError` `SOURCE_NOT_RENDERABLE`. */
export async function record(prepared: Prepared, body: Body & { kind: "module" }): Promise<string> {
  const lines: string[] = [];
  let refused: SourceError | undefined;
  const answer = () =>
    new Proxy(
      {},
      {
        get(_, property) {
          // A promise looks for `then`; everything else is somebody who wants to know the answer.
          if (property === "then") return undefined;
          refused ??= notRenderable(prepared, "it reads what a statement returns");
          throw refused;
        },
      },
    );
  const executor = {
    async query(text: string, parameters: readonly unknown[]) {
      refuseTransactionControl(text, prepared);
      lines.push(`${inline(prepared, text, parameters)};`);
      return { rows: [], rowCount: 0, command: "" };
    },
    async execute(text: string) {
      refuseTransactionControl(text, prepared);
      lines.push(text.trimEnd().replace(/;?$/, ";"));
      return [];
    },
  };
  const handed = await handles(executor, answer);
  const quiet = () => {};
  const log = { info: quiet, warn: quiet, error: quiet };
  const { signal } = new AbortController();
  try {
    refuseUnbegun(prepared, await (body.run as (context: unknown) => unknown)({ ...handed, log, signal }));
  } catch (error) {
    refused ??= notRenderable(prepared, `it fails with "${error instanceof Error ? error.message : error}"`);
  }
  if (refused !== undefined) throw refused; // also when the module caught it
  return lines.join("\n");
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
