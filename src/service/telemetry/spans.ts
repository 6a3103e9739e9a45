/**
 * The trace of a run: one span for the run, and below it one for the wait for the lock, for each step and for each import. They
 * hold names, numbers and codes; no SQL, and no text of an error.
 */
import type { Attributes, Context, Span, Tracer } from "@opentelemetry/api";
import type { RunEvent } from "../../run/report/events.ts";
import type { Api } from "./api.ts";

export interface RunSpans {
  readonly observe: (event: RunEvent) => void;
  /** `error`: the code of what failed. */
  readonly end: (outcome: string, error: string | null) => void;
}

export interface SpanOptions {
  readonly api: Api;
  readonly tracer: Tracer;
  readonly parent: Context;
  readonly command: "up" | "down";
  readonly attributes: Attributes;
}

export function openSpans({ api, tracer, parent, command, attributes }: SpanOptions): RunSpans {
  const run = tracer.startSpan(`godwit ${command}`, { attributes }, parent);
  const below = api.trace.setSpan(parent, run);
  const open = new Map<string, Span>();
  const begin = (key: string, ...[name, of]: [string, Attributes]) => {
    // After a lost connection the same step begins again.
    if (!open.has(key)) open.set(key, tracer.startSpan(name, { attributes: { ...COMMON, ...of } }, below));
  };
  const finish = (key: string, of: Attributes, error: string | null = null) => {
    const span = open.get(key);
    open.delete(key);
    span?.setAttributes(of);
    end(api, span, error);
  };
  return {
    observe(event) {
      switch (event.kind) {
        case "connected":
          run.setAttribute("db.namespace", event.database);
          return;
        case "lock-acquired": {
          const startTime = Date.now() - event.waitedMs;
          tracer.startSpan("wait for lock", { startTime, attributes: COMMON }, below).end();
          return;
        }
        case "step-started": {
          const { revision, direction, phase } = event.step;
          begin(`step ${revision}`, `${direction === "up" ? "apply" : "revert"} ${revision}`, {
            ...{ "godwit.revision": revision, "godwit.direction": direction, "godwit.phase": phase },
          });
          return;
        }
        case "step-retry":
          open.get(`step ${event.step.revision}`)?.addEvent("retry", {
            ...{ "godwit.attempt": event.attempt, "error.type": event.problem.code },
            "godwit.blockers": event.blockers.map(({ pid }) => pid),
          });
          return;
        case "drift-checked":
          run.setAttribute("godwit.drift", event.objects.length);
          return;
        case "run-retry":
        case "connection-lost":
          run.addEvent(event.kind === "run-retry" ? "retry" : "connection lost", {
            "error.type": event.problem.code,
          });
          return;
        case "step-done": {
          const { revision, attempts, transactional } = event.report;
          finish(`step ${revision}`, { "godwit.attempts": attempts, "godwit.transactional": transactional });
          return;
        }
        case "step-failed":
          finish(`step ${event.step.revision}`, {}, event.problem.code);
          return;
        case "rollback-started":
          run.addEvent("rollback");
          return;
        case "rollback-done": {
          const { outcome, reverted, kept, unknown } = event.rollback;
          run.setAttributes({
            ...{ "godwit.rollback.outcome": outcome, "godwit.rollback.reverted": [...reverted] },
            ...{ "godwit.rollback.kept": [...kept], "godwit.rollback.unknown": [...unknown] },
          });
          return;
        }
        case "import-started":
          begin(`import ${event.import}`, `import ${event.import}`, { "godwit.import": event.import });
          return;
        case "import-finished":
          finish(`import ${event.report.import}`, {});
          return;
        default:
          return;
      }
    },
    end(outcome, error) {
      for (const span of open.values()) end(api, span, error ?? "unknown");
      run.setAttribute("godwit.outcome", outcome);
      end(api, run, error);
    },
  };
}

/** As OpenTelemetry's conventions for databases name them. */
export const COMMON = { "db.system.name": "postgresql" } as const;

function end(api: Api, span: Span | undefined, error: string | null): void {
  if (error !== null) span?.setAttribute("error.type", error).setStatus({ code: api.SpanStatusCode.ERROR });
  span?.end();
}
