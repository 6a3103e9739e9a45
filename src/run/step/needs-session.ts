/**
 * What cannot be done where every message is a transaction of its own, as over HTTPS. It is refused before the first step, all
 * of it at once.
 */
import type { Connection } from "../../database/connection.ts";
import { type Problem, SourceError } from "../../errors.ts";
import type { Prepared } from "./prepared.ts";

const WAY_OUT =
  "Run it over a database URL instead: set SUPABASE_DB_URL (or DATABASE_URL) and USE_NODE_MIGRATIONS=false.";

/** Throws `SourceError` (`SOURCE_NEEDS_SESSION`). */
export async function refuseSessionNeeds(
  { capabilities }: Pick<Connection, "capabilities">,
  steps: readonly Prepared[],
): Promise<void> {
  if (capabilities.spanning) return;
  const problems: Problem[] = [];
  for (const prepared of steps) {
    const why = prepared.problem === null ? await whyNot(prepared) : null;
    if (why !== null) problems.push(refusal(prepared, why));
  }
  const [first, ...others] = problems;
  if (first !== undefined) throw new SourceError([first, ...others]);
}

async function whyNot({ form, because, load }: Prepared): Promise<string | null> {
  if (form.sends === "calls") return "a module waits for the answers of its statements";
  if (form.sends === "program") return "its runner needs the URL of the database";
  if (!form.transactional) return because ?? "it does not run in one transaction";
  const body = await load();
  if (body.kind !== "sql") return null;
  const { isolation = "read committed", deferrable } = body.modes ?? {};
  return isolation === "read committed" && deferrable !== true ? null : `it asks for ${isolation}`;
}

function refusal({ step }: Prepared, why: string): Problem {
  const line = /^line (\d+): /.exec(why)?.[1];
  return {
    code: "SOURCE_NEEDS_SESSION",
    message: `${step.file} cannot be run over HTTPS, where a migration is one request: ${why}.`,
    hint: WAY_OUT,
    place: { file: step.file, ...(line === undefined ? {} : { line: Number(line) }) },
    details: { revision: step.revision },
  };
}
