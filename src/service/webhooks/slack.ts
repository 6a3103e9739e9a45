/** A message for people, as the incoming webhooks of Slack take it: `{ "text": … }` in its own markup. */
import type { RollbackFacts } from "../../run/report/report.ts";
import type { Message } from "./message.ts";

export function slackBody(message: Message): string {
  return JSON.stringify({ text: textOf(message) });
}

function textOf({ type, data }: Message): string {
  const { service, environment, target, command } = data;
  const where = `*${escaped(service)}* (${escaped(environment)}), ${escaped(target)}`;
  const [doing, done] = command === "up" ? ["applying", "applied"] : ["reverting", "reverted"];
  if ("pending" in data)
    return `${where}: ${doing} ${migrations(data.count)}${namesOf(data.pending, data.count)}`;
  if ("drifted" in data)
    return `:warning: ${where}: ${data.count} ${data.count === 1 ? "object was" : "objects were"} changed by hand since the last run${namesOf(data.drifted, data.count)} \`godwit drift\` shows how.`;
  if ("waitingFor" in data) {
    const { waitingFor, waitedMs, revision } = data;
    const who = revision === null ? "the run" : code(revision);
    const free =
      waitingFor.command === null ? "" : `\nTo end what is in the way: ${code(waitingFor.command)}`;
    return `:hourglass: ${where}: ${who} has been waiting for ${seconds(waitedMs)} for ${inTheWay(waitingFor)}.${free}`;
  }
  if ("outcome" in data) {
    const what = type === "run.failed" && data.outcome === "interrupted" ? "was interrupted" : "failed";
    const failures = data.failures.map(({ revision, code: reason, committed }) => {
      const kept = committed === null || committed === "none" ? "" : `, kept: ${committed}`;
      return `${revision === null ? "" : `${code(revision)} `}${reason}${kept}`;
    });
    return `:x: ${where}: the run ${what}: ${failures.join("; ")}. ${doneBefore(data.rollback, `${done} ${migrations(data.count)}`)}. \`godwit status\` shows what is applied.`;
  }
  return `:white_check_mark: ${where}: ${done} ${migrations(data.count)} in ${seconds(data.durationMs)}${namesOf(data.applied, data.count)}`;
}

function doneBefore(rollback: RollbackFacts | undefined, done: string): string {
  if (rollback === undefined) return `Before that it ${done}`;
  const { outcome, reverted, kept, unknown } = rollback;
  const named = (names: readonly string[]) =>
    names.length === 0 ? "nothing" : namesOf(names, names.length).slice(2, -1);
  if (outcome === "done") return `It took back all that it had applied: ${named(reverted)}`;
  const open = unknown.length === 0 ? "" : `; not known: ${named(unknown)}`;
  return `It took back ${named(reverted)}; still applied: ${named(kept)}${open}`;
}

function inTheWay({ kind, pid }: { readonly kind: string; readonly pid: number | null }): string {
  const session = pid === null ? "" : ` (session ${pid})`;
  if (kind === "run") return `another run${session}`;
  return kind === "lock" ? `a lock${session}` : "the database";
}

function migrations(count: number): string {
  return `${count} ${count === 1 ? "migration" : "migrations"}`;
}

/** How many names one line of a chat may have. */
const MOST = 10;

function namesOf(names: readonly string[], count: number): string {
  if (names.length === 0) return ".";
  const more = count > MOST ? ` and ${count - MOST} more` : "";
  return `: ${names.slice(0, MOST).map(code).join(", ")}${more}.`;
}

function seconds(ms: number): string {
  return ms < 120_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : `${Math.round(ms / 60_000)} min`;
}

function code(text: string): string {
  return `\`${escaped(text).replaceAll("`", "'")}\``;
}

/** Slack's three characters of control. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
