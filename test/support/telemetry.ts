/** A program's own registration of OpenTelemetry, which writes what it is told into a file, a line each. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";

export interface SpanLine {
  readonly name: string;
  readonly id: string;
  readonly parent: string | undefined;
  readonly trace: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly error: boolean;
  readonly events: readonly string[];
}

export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly points: readonly { readonly attributes: object; readonly value: unknown }[];
}

export interface Registered {
  /** For the environment of the command. */
  readonly env: Readonly<Record<string, string>>;
  readonly spans: () => readonly SpanLine[];
  readonly metrics: () => readonly Measured[];
  /** Everything that was told, as text. */
  readonly text: () => string;
}

/** The batch of spans and the interval of metrics are longer than any run: only what is flushed is written. */
const REGISTRATION = (modules: string, file: string) => `
const { createRequire } = require("node:module");
const load = createRequire(${JSON.stringify(modules)});
const { appendFileSync } = require("node:fs");
const api = load("@opentelemetry/api");
const { BasicTracerProvider, BatchSpanProcessor } = load("@opentelemetry/sdk-trace-base");
const { MeterProvider, PeriodicExportingMetricReader, AggregationTemporality } = load("@opentelemetry/sdk-metrics");
const { W3CTraceContextPropagator } = load("@opentelemetry/core");
const write = (line) => appendFileSync(${JSON.stringify(file)}, JSON.stringify(line) + "\\n");
const spans = {
  export(some, done) {
    for (const span of some) write({ span: {
      name: span.name, id: span.spanContext().spanId, parent: span.parentSpanContext?.spanId, trace: span.spanContext().traceId,
      attributes: span.attributes, error: span.status.code === 2, status: span.status.message, events: span.events.map((each) => each.name),
    } });
    done({ code: 0 });
  },
  shutdown: async () => {},
};
const numbers = {
  export({ scopeMetrics }, done) {
    for (const { metrics } of scopeMetrics) for (const { descriptor, dataPoints } of metrics) write({ metric: {
      name: descriptor.name, unit: descriptor.unit, points: dataPoints.map(({ attributes, value }) => ({ attributes, value })) } });
    done({ code: 0 });
  },
  forceFlush: async () => {}, shutdown: async () => {},
  selectAggregationTemporality: () => AggregationTemporality.CUMULATIVE,
};
api.propagation.setGlobalPropagator(new W3CTraceContextPropagator());
api.trace.setGlobalTracerProvider(new BasicTracerProvider({
  spanProcessors: [new BatchSpanProcessor(spans, { scheduledDelayMillis: 600_000 })] }));
api.metrics.setGlobalMeterProvider(new MeterProvider({ readers: [
  new PeriodicExportingMetricReader({ exporter: numbers, exportIntervalMillis: 600_000, exportTimeoutMillis: 1_000 })] }));
`;

export function registerIn(folder: string): Registered {
  const [script, file] = [join(folder, "telemetry.cjs"), join(folder, "told.jsonl")];
  writeFileSync(script, REGISTRATION(join(root, "package.json"), file));
  const text = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
  const lines = () =>
    text()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  return {
    env: { NODE_OPTIONS: `--require ${script}` },
    spans: () => lines().flatMap(({ span }) => span ?? []),
    metrics: () => lines().flatMap(({ metric }) => metric ?? []),
    text,
  };
}
