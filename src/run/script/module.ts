/**
 * A module in a script. It runs in its own process against a recorder that writes its statements down
 * (`user-code/record.ts`). A module that uses an answer of the server is refused, because the script would be
 * wrong.
 */
import { type Place, type Problem, SourceError, StepFailed } from "../../errors.ts";
import type { RecordedStatement } from "../../host/protocol.ts";
import type { RunContext, Target } from "../session/target.ts";
import type { Body } from "../step/body.ts";
import { refuseUnfinished } from "../step/module-call.ts";
import { refuseTransactionControl } from "../step/module-control.ts";
import type { Prepared } from "../step/prepared.ts";
import { placeOfTrace, traceOf } from "../step/trace.ts";
import { inline } from "./inline.ts";

interface Recording {
  readonly body: Body & { readonly kind: "module" };
  readonly context: RunContext;
}

/** Throws `SourceError` `SOURCE_NOT_RENDERABLE`. */
export async function record(
  { settings: { idleTimeoutMs }, source }: Target,
  prepared: Prepared,
  { body, context }: Recording,
): Promise<string> {
  const { step } = prepared;
  const limit = new AbortController();
  const late = () =>
    limit.abort(notRenderable(prepared, `it has not settled within ${idleTimeoutMs / 1000} s`));
  const timer = idleTimeoutMs > 0 ? setTimeout(late, idleTimeoutMs) : undefined;
  try {
    const { statements, refused, ...returned } = await body.record({
      begun: () => {},
      log: (level, message) => context.observe({ kind: "log", step, level, message }),
      signal: context.signal,
      abandoned: limit.signal,
    });
    for (const { text } of statements) refuseTransactionControl(text, prepared);
    if (refused !== null) throw notRenderable(prepared, refused);
    await refuseUnfinished(prepared, returned, { folder: source.folder, file: step.file });
    return statements.map(written).join("\n");
  } catch (error) {
    if (context.signal.aborted || error instanceof SourceError) throw error;
    const traced = await placeOfTrace(traceOf(error), { folder: source.folder, file: step.file });
    const place = traced ?? (error instanceof StepFailed ? error.place : undefined);
    const message = error instanceof Error ? error.message : String(error);
    throw notRenderable(prepared, `it fails with "${message}"`, { place });
  } finally {
    clearTimeout(timer);
  }
}

function written({ form, text, parameters }: RecordedStatement): string {
  return form === "ask" ? `${inline(text, parameters)};` : text.trimEnd().replace(/;?$/, ";");
}

interface Explanation {
  readonly place?: Place | undefined;
  readonly hint?: string;
}

export function notRenderable(
  prepared: Prepared,
  why: string,
  { place, hint }: Explanation = {},
): SourceError {
  const problem: Problem = {
    code: "SOURCE_NOT_RENDERABLE",
    message: `${prepared.step.file} cannot be written as SQL: ${why}.`,
    hint:
      hint ??
      "Run it with `godwit up`, or write what comes before and behind it: `godwit up --sql <revision>`, `godwit up --sql --from <revision>`.",
    place: place ?? { file: prepared.step.file },
  };
  return new SourceError([problem]);
}
