/** `godwit repair` */
import { ConfigError } from "../../errors.ts";
import type { Repair } from "../../run/corrections.ts";
import { type RepairReport, repair } from "../../run/repair.ts";
import { confirmationOf } from "../../run/repair-confirmation.ts";
import { ask } from "../ask.ts";
import type { Answer, Invocation } from "../command.ts";
import { type OpenTarget, withFiles } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const request = requestOf(invocation);
  const { confirm } = invocation.flags;
  return withFiles(invocation, async (session) => {
    const name = typeof confirm === "string" ? confirm : await confirmed(invocation, session, request);
    const report = await repair(session.target, request, { confirm: name }, session.context);
    return {
      json: { report },
      text: `${report.revision === null ? rebuiltOf(report) : `${report.revision}: ${doneOf(report)}`}. ${changedBy(report)}`,
      result: false,
    };
  });
}

const DONE: Readonly<Record<Repair["kind"], string>> = {
  accept: "its present text is accepted",
  forget: "forgotten",
  "mark-done": "marked as done",
  retry: "may run again",
  rebuild: "rebuilt",
};

/** Explains what a rebuilt ledger lacks: no log holds the text that a file had when it was applied. */
function rebuiltOf({ rebuilt, left }: RepairReport): string {
  const rows =
    rebuilt.length === 0
      ? "The lost tables exist again"
      : `Rebuilt from the log and the files (their present texts count from now on): ${rebuilt.join(", ")}`;
  return left.length === 0
    ? rows
    : `${rows}. Left, because nothing says what they were: ${left.join(", ")} (use --mark-done or --forget for each)`;
}

function doneOf({ kind, direction }: RepairReport): string {
  return kind === "mark-done" && direction === "down" ? "its revert is marked as done" : DONE[kind];
}

function changedBy({ database, told, stale }: RepairReport): string {
  const kept = stale === null ? "" : ` The history of ${stale} still has the checksum of the previous text.`;
  return changed(database, told) + kept;
}

function changed(database: string, told: string | null): string {
  return told === null
    ? `Only the ledger of ${database} was changed.`
    : `Only the ledger of ${database} and the history of ${told} were changed.`;
}

function requestOf({ flags }: Invocation): Repair {
  const requests: Repair[] = [];
  const { accept, forget, markDone, retry, rebuild } = flags;
  if (typeof accept === "string") requests.push({ kind: "accept", revision: accept });
  if (typeof forget === "string") requests.push({ kind: "forget", revision: forget });
  if (typeof markDone === "string") requests.push({ kind: "mark-done", ...placeOf(markDone) });
  if (typeof retry === "string") requests.push({ kind: "retry", ...placeOf(retry) });
  if (rebuild === true) requests.push({ kind: "rebuild" });
  const [request] = requests;
  if (request !== undefined && requests.length === 1) return request;
  throw new ConfigError({
    code: "CONFIG_INVALID",
    message: "godwit repair needs exactly one of --accept, --forget, --mark-done, --retry and --rebuild.",
    hint: "`godwit repair --help` says what each of them does.",
    details: { from: "flag" },
  });
}

/** `0007:2` is the second statement of 0007. */
function placeOf(text: string): { revision: string; position: number | null } {
  const [, revision, position] = /^(.+):(\d+)$/.exec(text) ?? [];
  return revision === undefined
    ? { revision: text, position: null }
    : { revision, position: Number(position) };
}

async function confirmed(invocation: Invocation, session: OpenTarget, request: Repair): Promise<string> {
  const { database, loses } = await confirmationOf(session.target, request, session.context);
  const then = loses === null ? "" : `${loses.message}${loses.hint === undefined ? "" : ` ${loses.hint}`}`;
  const revision = request.kind === "rebuild" ? "the ledger" : request.revision;
  return ask(invocation, {
    text: `${then === "" ? "" : `Once confirmed: ${then}\n`}${request.kind} ${revision} in database "${database}"? Type its name to confirm: `,
    refusal: {
      message: `Without a terminal, godwit repair needs the name of the database.${then === "" ? "" : ` Once confirmed: ${then}`}`,
      hint: `If it is this one: --confirm ${database}`,
    },
  });
}
