/**
 * A module in a script: it is run against a recorder that writes its statements down. It has no rows to give: a module
 * that looks at an answer cannot be rendered and is refused by name, rather than rendered wrongly.
 */
import type { Encoded } from "../database/values/parameters.ts";
import { type Place, type Problem, SourceError } from "../errors.ts";
import { inline, kindsWritten } from "./inline.ts";
import { refuseUnbegun } from "./module.ts";
import { handles } from "./module-context.ts";
import { refuseTransactionControl } from "./module-control.ts";
import type { Body, Prepared } from "./prepare.ts";
import { placeOfTrace, traceOf } from "./trace.ts";

/** Throws `SourceError` `SOURCE_NOT_RENDERABLE`. */
export async function record(
  prepared: Prepared,
  body: Body & { kind: "module" },
  folder: string,
): Promise<string> {
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
    async ask(text: string, parameters: readonly Encoded[]) {
      refuseTransactionControl(text, prepared);
      lines.push(`${inline(text, parameters)};`);
      return { fields: [], rows: [], rowCount: 0, command: "" };
    },
    parameterKinds: async (text: string) => kindsWritten(text),
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
    const place = await placeOfTrace(traceOf(error), { folder, file: prepared.step.file });
    const message = error instanceof Error ? error.message : String(error);
    refused ??= notRenderable(prepared, `it fails with "${message}"`, place);
  }
  if (refused !== undefined) throw refused; // also when the module caught it
  return lines.join("\n");
}

export function notRenderable(prepared: Prepared, why: string, place?: Place): SourceError {
  const problem: Problem = {
    code: "SOURCE_NOT_RENDERABLE",
    message: `${prepared.step.file} cannot be written as SQL: ${why}.`,
    hint: "Run it with godwit up, or write what comes before and behind it: `godwit up --sql <revision>`, `godwit up --sql --from <revision>`.",
    place: place ?? { file: prepared.step.file },
  };
  return new SourceError([problem]);
}
