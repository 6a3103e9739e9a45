/** Tells OpenTelemetry about one run: spans and metrics, through what a program has registered. */
import type { TextMapGetter } from "@opentelemetry/api";
import type { Config } from "../../config/config.ts";
import { Interrupted, problemsOf } from "../../errors.ts";
import type { Report } from "../../run/report/report.ts";
import type { RunContext, Target } from "../../run/session/target.ts";
import { orAbort } from "../../std/time.ts";
import { VERSION } from "../../std/version.ts";
import { patienceOf, patientLimit } from "../patience.ts";
import type { RunTeller } from "../teller.ts";
import { type Api, loadApi } from "./api.ts";
import { openMeters } from "./meters.ts";
import { COMMON, openSpans } from "./spans.ts";

export interface TelemetryOptions {
  readonly config: Config;
  readonly target: Target;
  readonly command: Report["command"];
  readonly context: RunContext;
  readonly isLast: boolean;
}

/** `null`: `@opentelemetry/api` can't be found. */
export async function tellTelemetry(options: TelemetryOptions): Promise<RunTeller | null> {
  const { config, target, command, context, isLast } = options;
  const api = await loadApi(config.root);
  if (api === null) return null;
  const startedAt = performance.now();
  const patienceMs = patienceOf(context.signal, { parts: 1 });
  const meters = openMeters(api.metrics.getMeter("godwit", VERSION));
  const spans = openSpans({
    ...{ api, command, tracer: api.trace.getTracer("godwit", VERSION) },
    // Whoever starts the command may have a trace of its own, and says so in the environment. A program has a context.
    parent: isLast
      ? api.propagation.extract(api.context.active(), config.environment, VARIABLES)
      : api.context.active(),
    attributes: {
      ...COMMON,
      ...{ "godwit.target": target.name, "godwit.command": command, "godwit.run.id": context.runId },
    },
  });
  const end = async (outcome: string, error: string | null) => {
    spans.end(outcome, error);
    meters.end(error === null ? "completed" : "failed", performance.now() - startedAt);
    if (isLast) await flush(api, patientLimit(context.signal, patienceMs));
    return null;
  };
  return {
    observe(event) {
      spans.observe(event);
      meters.observe(event);
    },
    completed: () => end("done", null),
    failed: (error) =>
      end(error instanceof Interrupted ? "interrupted" : "failed", problemsOf(error)[0]?.code ?? "unknown"),
  };
}

/** `traceparent` is the variable TRACEPARENT. */
const VARIABLES: TextMapGetter<Config["environment"]> = {
  keys: (environment) => Object.keys(environment),
  get: (environment, key) => environment[key.toUpperCase().replaceAll("-", "_")],
};

/** The API can't ask for it, but those that are registered can. */
async function flush({ trace, metrics }: Api, limited: ReturnType<typeof patientLimit>): Promise<void> {
  const tracers = trace.getTracerProvider() as Flushable & { readonly getDelegate?: () => Flushable };
  const providers: readonly Flushable[] = [
    tracers.getDelegate?.() ?? tracers,
    metrics.getMeterProvider() as Flushable,
  ];
  using limit = limited;
  const flushed = Promise.allSettled(providers.map(async (provider) => provider.forceFlush?.()));
  await orAbort(flushed, limit.signal).catch(() => {});
}

interface Flushable {
  readonly forceFlush?: () => Promise<void>;
}
