/**
 * For `--sql`: runs a module against a recorder that writes its statements down. It has no rows to give: a module that
 * looks at an answer cannot be rendered, and the recorder says so, rather than rendering it wrongly.
 */
import type { Recorded, RecordedStatement } from "../host/protocol.ts";
import { handles } from "../run/module-context.ts";
import type { ModuleFunction } from "../source/declaration.ts";
import { type OpenCall, unbegunOf } from "./call.ts";
import { portable } from "./portable.ts";

export async function record(
  run: ModuleFunction,
  { log, signal }: Pick<OpenCall, "log" | "signal">,
): Promise<Recorded> {
  const statements: RecordedStatement[] = [];
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
      statements.push({ form: "query", text, parameters: parameters.map(portable) });
      return { rows: [], rowCount: 0, command: "" };
    },
    async execute(text: string) {
      statements.push({ form: "execute", text, parameters: [] });
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
