/**
 * Tells webhooks about one run.
 *
 *   a plan with steps ─► run.started      a long wait ─► run.blocked
 *   objects changed by hand ─► drift.found
 *   the end ─► run.completed (if there was something to do) | run.failed ─► wait a little ─► keep what was not taken
 *
 * A run that finds nothing to do tells nothing: twenty containers that start are not forty messages.
 */
import type { Config } from "../../config/config.ts";
import { DatabaseError, Interrupted, type Problem, problemsOf } from "../../errors.ts";
import type { Report } from "../../run/report/report.ts";
import type { RunContext, Target } from "../../run/session/target.ts";
import { aboutOf } from "../health/about.ts";
import { patienceOf, patientLimit } from "../patience.ts";
import type { RunTeller } from "../teller.ts";
import { watchWaits } from "./blocked.ts";
import { completedOf, driftOf, failedOf, messageOf, type RunFacts, startedOf } from "./message.ts";
import { createSender, type Sender, type Undelivered } from "./sender.ts";
import { keepUndelivered } from "./undelivered.ts";

export interface TellOptions {
  readonly config: Config;
  readonly target: Target;
  readonly command: Report["command"];
  readonly context: RunContext;
  /** Whether somebody will run again after such a failure. It is no failure to tell of then. */
  readonly isTriedAgain: (problems: readonly Problem[]) => boolean;
}

export function tellWebhooks(options: TellOptions): RunTeller {
  const { config, target, command, context, isTriedAgain } = options;
  const sender = createSender(config.webhooks);
  const { runId, host } = context;
  const facts = factsOf(config, { target: target.name, command, runId, host });
  const waits = watchWaits(config.values.blockedAfter);
  let isStarted = false;
  let isDriftTold = false;
  const send = (...[type, data]: [Parameters<typeof messageOf>[0], Parameters<typeof messageOf>[1]]) =>
    sender.send(messageOf(type, data, new Date()));
  const start = (revisions: readonly string[]) => {
    if (!isStarted) send("run.started", startedOf(facts, revisions));
    isStarted = true;
  };
  // First the receivers, then the database that keeps what they did not take.
  const patienceMs = patienceOf(context.signal, { parts: 2 });
  const close = () => closeSender(sender, { target, context, patienceMs });
  return {
    observe(event) {
      if (event.kind === "planned" && event.plan.steps.length > 0)
        start(event.plan.steps.map(({ revision }) => revision));
      // The scan is over, and there are files to read.
      if (event.kind === "import-progress" && event.figures.files.total > 0) start([]);
      if (event.kind === "drift-checked" && event.objects.length > 0 && !isDriftTold) {
        isDriftTold = true;
        send("drift.found", driftOf(facts, event.objects));
      }
      const long = waits(event, performance.now());
      if (long !== null) send("run.blocked", { ...facts, ...long });
    },
    completed(report) {
      if (isStarted) send("run.completed", completedOf(facts, report));
      return close();
    },
    failed(error, report) {
      const problems = problemsOf(error);
      const outcome = error instanceof Interrupted ? "interrupted" : "failed";
      if (!isTriedAgain(problems)) send("run.failed", failedOf(facts, { outcome, problems, report }));
      return close();
    },
  };
}

export function factsOf(
  { root, environment, values }: Config,
  of: Pick<RunFacts, "target" | "command" | "runId" | "host">,
): RunFacts {
  const { startedAtMs: _, ...about } = aboutOf({ root, environment, service: values.service });
  return { ...about, ...of };
}

interface CloseOptions {
  /** `null`: there is no one database that could keep what is left. */
  readonly target: Target | null;
  readonly context: RunContext;
  readonly patienceMs: () => number;
}

/** Waits a little, keeps what was not taken, and says so. */
export async function closeSender(
  sender: Sender,
  { target, context, patienceMs }: CloseOptions,
): Promise<Problem | null> {
  const left = await delivered(sender, context.signal, patienceMs);
  if (left.length === 0) return null;
  if (target === null)
    return undeliveredProblem(left, "Nothing keeps them where several targets run at once.");
  using limit = patientLimit(context.signal, patienceMs);
  try {
    await keepUndelivered(target, left, { ...context, signal: limit.signal, observe: () => {} });
    return undeliveredProblem(
      left,
      "`godwit webhooks` shows what was kept, and `godwit webhooks --retry` sends it.",
    );
  } catch (error) {
    const why = error instanceof DatabaseError ? ` (${error.code})` : "";
    return undeliveredProblem(left, `The database could not keep them either${why}.`);
  }
}

async function delivered(sender: Sender, signal: AbortSignal, patienceMs: () => number) {
  using limit = patientLimit(signal, patienceMs);
  return await sender.close(limit);
}

function undeliveredProblem(left: readonly Undelivered[], hint: string): Problem {
  const reasons = new Map(left.map(({ webhook, reason }) => [webhook, reason]));
  const said = [...reasons].map(([webhook, reason]) => `${webhook} ${reason}`).join("; ");
  return {
    code: "WEBHOOK_UNDELIVERED",
    message: `${left.length} ${left.length === 1 ? "message" : "messages"} to webhooks could not be delivered: ${said}.`,
    hint:
      left.length === 1
        ? hint
            .replace("them,", "it,")
            .replace("sends them", "sends it")
            .replace("They", "It")
            .replace("are lost", "is lost")
        : hint,
    details: { webhooks: [...reasons.keys()], types: [...new Set(left.map(({ message }) => message.type))] },
  };
}
