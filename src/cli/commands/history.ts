/** `godwit history` */
import { historyOf, logOf } from "../../run/history.ts";
import { formatDuration } from "../../std/time.ts";
import type { Answer, Invocation } from "../command.ts";
import { type OpenTarget, withFiles, withSession } from "../session.ts";
import { timeOf } from "./status.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  if (flags.log === true) return withSession(invocation, log);
  return withFiles(invocation, (session) => history(session, flags.indicateCurrent === true));
}

async function history({ target, context }: OpenTarget, indicateCurrent: boolean): Promise<Answer> {
  const found = await historyOf(target, context);
  const lines = found.migrations.map((row) => {
    const marks = [...(row.head ? ["head"] : []), ...(indicateCurrent && row.current ? ["current"] : [])];
    const parents = row.parents.length === 0 ? "" : `${row.parents.join(", ")} -> `;
    return `${parents}${row.revision}${marks.length === 0 ? "" : ` (${marks.join(", ")})`}`;
  });
  return { json: { ...found }, text: lines.join("\n"), result: true, wholeOfSchema: true };
}

async function log({ target, context }: OpenTarget): Promise<Answer> {
  const rows = await logOf(target, context);
  const lines = rows.map(({ at, event, revision, durationMs, executedBy, host }) => {
    const took = durationMs === null ? "" : ` in ${formatDuration(durationMs)}`;
    return `${timeOf(at)}  ${event} ${revision ?? ""}${took} by ${executedBy} on ${host}`;
  });
  return {
    json: { target: target.name, log: rows },
    text: lines.length === 0 ? "Nothing has been done here yet." : lines.join("\n"),
    result: true,
    wholeOfSchema: true,
  };
}
