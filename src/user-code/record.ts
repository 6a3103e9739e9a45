/**
 * For `--sql`: runs a module against a recorder that writes its statements down. It has no rows to give: a module that
 * looks at an answer cannot be rendered, and the recorder says so, rather than rendering it wrongly.
 */
import type { Recorded, RecordedStatement } from "../host/protocol.ts";
import { kindsWritten } from "../run/script/inline.ts";
import type { ModuleFunction } from "../source/module/declaration.ts";
import { type OpenCall, unbegunOf } from "./call.ts";
import { activeResources, letLateOnesCome } from "./late.ts";
import { type Executor, handles } from "./module-context.ts";

export async function record(
  run: ModuleFunction,
  { begun, log, signal }: Pick<OpenCall, "begun" | "log" | "signal">,
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
  const executor: Executor = {
    async ask(text, parameters) {
      statements.push({ form: "ask", text, parameters });
      return { fields: [], rows: [], rowCount: 0, command: "" };
    },
    parameterKinds: async (text) => kindsWritten(text),
    async execute(text) {
      statements.push({ form: "execute", text, parameters: [] });
    },
  };
  const handed = { ...(await handles(executor, begun, answer)), log, signal };
  try {
    const before = activeResources();
    const unbegun = unbegunOf(await (run as (context: unknown) => unknown)(handed));
    begun.close();
    await letLateOnesCome(before);
    return { statements, refused, unbegun, left: begun.left() };
  } catch (error) {
    if (refused === null) throw error;
    return { statements, refused, unbegun: null, left: null };
  }
}
