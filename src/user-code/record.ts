/**
 * For `--sql`: runs a module against a recorder that writes its statements down. It has no rows to give: a module that
 * looks at an answer cannot be rendered, and the recorder says so, rather than rendering it wrongly.
 */
import { quoted } from "../core/sql/quote.ts";
import type { Recorded } from "../host/protocol.ts";
import { handles } from "../run/module-context.ts";
import type { ModuleFunction } from "../source/declaration.ts";
import { type OpenCall, unbegunOf } from "./call.ts";

export async function record(
  run: ModuleFunction,
  { log, signal }: Pick<OpenCall, "log" | "signal">,
): Promise<Recorded> {
  const statements: string[] = [];
  let refused: string | null = null;
  const answer = () =>
    new Proxy(
      {},
      {
        get(_, property) {
          // A promise looks for `then`; everything else is somebody who wants to know the answer.
          if (property === "then") return undefined;
          refused ??= "it reads what a statement returns";
          throw new Error(refused);
        },
      },
    );
  const executor = {
    async query(text: string, parameters: readonly unknown[]) {
      statements.push(`${inline(text, parameters)};`);
      return { rows: [], rowCount: 0, command: "" };
    },
    async execute(text: string) {
      statements.push(text.trimEnd().replace(/;?$/, ";"));
      return [];
    },
  };
  const handed = { ...(await handles(executor, answer)), log, signal };
  try {
    const unbegun = unbegunOf(await (run as (context: unknown) => unknown)(handed));
    return { statements, refused, unbegun };
  } catch (error) {
    refused ??= `it fails with "${error instanceof Error ? error.message : error}"`;
    return { statements, refused, unbegun: null };
  }
}

/** Parameters become literals; only values whose text the server reads the same way are possible. */
function inline(text: string, parameters: readonly unknown[]): string {
  return text.replace(/\$(\d+)/g, (whole, digits: string) => {
    const value = parameters[Number(digits) - 1];
    if (value === undefined) return whole;
    if (
      value === null ||
      typeof value === "number" ||
      typeof value === "boolean" ||
      typeof value === "string"
    )
      return quoted(value);
    if (typeof value === "bigint") return String(value);
    if (value instanceof Date) return quoted(value.toISOString());
    return quoted(JSON.stringify(value));
  });
}
