/** `godwit backfill` */
import { migrateOptions } from "../../assemble/options.ts";
import { isRate, RATE } from "../../core/backfill.ts";
import { ConfigError } from "../../errors.ts";
import { forgetOldValues, undoBackfill } from "../../run/backfill-undo.ts";
import { type BackfillStatus, type BackfillWord, backfillsOf, tellBackfill } from "../../run/backfills.ts";
import { announceRun } from "../../service/announce.ts";
import { nearest } from "../../std/nearest.ts";
import { rowsOf, whole } from "../../std/number.ts";
import { formatDuration } from "../../std/time.ts";
import type { Answer, Invocation } from "../command.ts";
import { refuseFlags } from "../given.ts";
import { withFiles } from "../session.ts";
import { timeOf } from "./status.ts";
import { sayUntil, summary } from "./up.ts";

const ACTIONS = ["status", "pause", "resume", "rate", "approve", "undo", "forget"] as const;

export async function run(invocation: Invocation): Promise<Answer> {
  const [typed = "status", revision, given] = invocation.arguments;
  const action = ACTIONS.find((each) => each === typed);
  if (action === undefined) {
    const meant = nearest(typed, ACTIONS);
    throw unusable(
      `\`godwit backfill\` has no action "${typed}".`,
      meant === undefined
        ? `Its actions: ${ACTIONS.join(", ")}.`
        : `Did you mean \`godwit backfill ${meant}\`?`,
    );
  }
  if (given !== undefined && action !== "rate")
    throw unusable(`\`godwit backfill ${action}\` is about one backfill.`, "Leave out the last word.");
  const locks = action === "undo" || action === "forget";
  const unheard = [...(action === "undo" ? [] : ["until"]), ...(locks ? [] : ["lockWait"])];
  refuseFlags(`godwit backfill ${action}`, invocation.flags, unheard);
  if (action === "status")
    return withFiles(invocation, async ({ target, context }) => {
      const backfills = await backfillsOf(target, context, revision);
      const lines = backfills.map(statusLine);
      return {
        json: { backfills },
        text: lines.length === 0 ? "There is no backfill." : lines.join("\n"),
        result: true,
      };
    });
  if (revision === undefined)
    throw unusable(
      `\`godwit backfill ${action}\` needs the revision of a backfill.`,
      "`godwit backfill status` lists them.",
    );
  if (action === "undo") return undo(invocation, revision);
  if (action === "forget") return forget(invocation, revision);
  const word: BackfillWord = action === "rate" ? { kind: "rate", rate: rateOf(given) } : { kind: action };
  return withFiles(invocation, async ({ target, context }) => {
    const backfill = await tellBackfill(target, { revision, word }, context);
    return { json: { backfill }, text: confirmationOf(backfill, word), result: false };
  });
}

function undo(invocation: Invocation, revision: string): Promise<Answer> {
  return withFiles(invocation, async ({ target, config, context }) => {
    const options = migrateOptions(config, "down", revision);
    sayUntil(invocation, options);
    const report = await announceRun({ config, target, command: "down", context, isLast: true }, (told) =>
      undoBackfill(target, options, told),
    );
    return { json: { report }, text: summary(report), result: false };
  });
}

function forget(invocation: Invocation, revision: string): Promise<Answer> {
  return withFiles(invocation, async ({ target, context }) => {
    const forgotten = await forgetOldValues(target, revision, context);
    const text = `Dropped the old values of ${forgotten.table} that ${forgotten.revision} had kept.`;
    return { json: { ...forgotten }, text, result: false };
  });
}

function rateOf(text: string | undefined): number | null {
  if (text === "none") return null;
  const rate = text !== undefined && /^[1-9]\d*$/.test(text) ? Number(text) : 0;
  if (isRate(rate)) return rate;
  throw unusable(
    text === undefined ? `\`godwit backfill rate\` needs ${RATE}.` : `${text} is not ${RATE}.`,
    "Write a number, for example 500, or none.",
  );
}

function unusable(message: string, hint: string): ConfigError {
  return new ConfigError({ code: "CONFIG_INVALID", message, hint, details: { from: "flag" } });
}

function confirmationOf(
  { revision, state, rate, rows, runBy }: BackfillStatus,
  { kind }: BackfillWord,
): string {
  const many = rate === null ? null : `${rowsOf(rate)} in a second`;
  if (state === "done") {
    const what = {
      rate: many === null ? "No limit holds" : `${many} ${rate === 1 ? "holds" : "hold"}`,
      pause: "The pause holds",
      resume: "No pause holds",
      approve: "The approval holds",
    }[kind];
    const back = kind === "approve" ? "" : " for a way back in windows, and";
    return `${revision} is done already. ${what}${back} if it runs again.`;
  }
  if (kind === "rate") return `${revision}: ${many ?? "as many rows in a second as it can"}.`;
  if (kind === "approve") {
    const next = rows > 0 ? "goes on with it" : "begins it";
    const when =
      state === "paused"
        ? "It is paused, and waits until it is resumed"
        : runBy === null
          ? `The next run ${next}`
          : "A run works on it";
    return `${revision} is approved as it is now. ${when}.`;
  }
  const what = state === "reverting" ? `The way back of ${revision}` : revision;
  if (kind === "pause" && runBy === null)
    return `${what} is paused: no run ${rows > 0 ? "goes on with" : "begins"} it until \`godwit backfill resume ${revision}\`.`;
  return kind === "pause"
    ? `${what} is paused: the window that is under way is its last until \`godwit backfill resume ${revision}\`.`
    : `${what} may go on. A run that waits for it does at once, or else the next one.`;
}

/** `0007_slugs  begun  42 %, 420,000 rows of shop.products, 84,000 rows/s, 6.9 s left, last window 0.2 s ago` */
function statusLine(status: BackfillStatus): string {
  const { revision, table, state, rows, changed, share, rowsPerSecond, leftMs, windowRows, stillForMs } =
    status;
  const { undo } = status;
  const moving = state === "begun" || state === "paused" || undo !== null;
  const isRun = status.runBy !== null;
  const going = (state === "begun" || undo !== null) && status.pausedAt === null && isRun;
  const begun = rows === 0 && status.startedAt === null ? table : `${rowsOf(rows)} of ${table}`;
  const what = [
    ...(share === null || state === "done" ? [] : [`${Math.min(99, Math.floor(share * 100))} %`]),
    undo === null
      ? begun
      : `${rowsOf(undo.restored)} of ${table} ${undo.restored === 1 ? "has its" : "have their"} old values again`,
    ...(state === "done" ? [`${whole(changed)} changed`] : []),
    ...(moving && isRun && rowsPerSecond !== null ? [`${whole(rowsPerSecond)} rows/s`] : []),
    ...(going && leftMs !== null ? [`${formatDuration(leftMs)} left`] : []),
    ...(moving && isRun && windowRows !== null ? [`windows of ${whole(windowRows)}`] : []),
    ...(moving && stillForMs !== null ? [`last window ${formatDuration(stillForMs)} ago`] : []),
    ...(state === "begun" && !isRun ? ["no run works on it: `godwit up` goes on"] : []),
    ...(going && status.slowedBy !== null ? [`slowed by ${status.slowedBy}`] : []),
    ...(state !== "done" && status.rate !== null
      ? [`at most ${whole(status.rate)} rows/s, says ${status.rateBy}`]
      : []),
    ...(status.pausedAt === null || state === "done"
      ? []
      : [`paused by ${status.pausedBy} at ${timeOf(new Date(status.pausedAt))}`]),
    ...(state === "approval" ? [`it waits for \`godwit backfill approve ${revision}\``] : []),
    ...(state === "done" && status.finishedAt !== null ? [`at ${timeOf(new Date(status.finishedAt))}`] : []),
    ...(state === "lost" ? ["how far is not known: `godwit status` says what to do"] : []),
    ...(state === "reverting" && !isRun ? [`\`godwit backfill undo ${revision}\` finishes that`] : []),
    ...(status.failed.length === 0 ? [] : [`${rowsOf(status.failed.length)} refused`]),
  ];
  const word =
    state === "begun" && !isRun
      ? "half done"
      : state === "reverting" && isRun
        ? "being taken back"
        : STATES[state];
  return `${revision}  ${word}  ${what.join(", ")}`;
}

const STATES: Readonly<Record<BackfillStatus["state"], string>> = {
  pending: "pending",
  approval: "waits for approval",
  paused: "paused",
  begun: "under way",
  lost: "half done",
  done: "done",
  reverting: "taken back in part",
};
