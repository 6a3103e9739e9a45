/** In a program, a run is a part of the span that is active, and of the program's own numbers. */
import { type Context, type ContextManager, context, metrics, ROOT_CONTEXT, trace } from "@opentelemetry/api";
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { onTestFinished } from "vitest";
import { expect, ledgerSchema, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { createMigrator } from "../support/watched.ts";

test("a run below the program's span, with its waits, and the numbers of several runs in one place", async ({
  db,
}) => {
  const spans = new InMemorySpanExporter();
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 600_000 });
  const tracers = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
  context.setGlobalContextManager(onlyOne());
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  onTestFinished(() => {
    for (const api of [context, trace, metrics]) api.disable();
    return reader.shutdown();
  });
  await using migrator = createMigrator({
    ...{
      root: folderOf({ "migrations/0001_a.sql": "create table a ()" }),
      databaseUrl: db.url,
      ledgerSchema,
    },
    ...{ environment: {}, project: "shop" },
  });
  const deploy = trace.getTracer("app").startSpan("deploy");
  await context.with(trace.setSpan(context.active(), deploy), () => migrator.up());
  await migrator.up();
  deploy.end();
  const all = spans.getFinishedSpans();
  expect(all.map(({ name }) => name)).toEqual([
    ...["wait for lock", "apply 0001_a", "godwit up", "wait for lock", "godwit up", "deploy"],
  ]);
  const [, step, run, , alone] = all;
  expect(run?.parentSpanContext?.spanId).toBe(deploy.spanContext().spanId);
  expect(alone?.parentSpanContext).toBeUndefined();
  expect(step?.parentSpanContext?.spanId).toBe(run?.spanContext().spanId);
  expect(run?.attributes["godwit.target"]).toBe("shop");
  await reader.forceFlush();
  const runs = exporter
    .getMetrics()[0]
    ?.scopeMetrics[0]?.metrics.find(({ descriptor }) => descriptor.name === "godwit.runs");
  expect(runs?.dataPoints.map(({ value }) => value)).toEqual([2]);
});

/** The context of one thing at a time: enough where nothing runs beside it. */
function onlyOne(): ContextManager {
  let now: Context = ROOT_CONTEXT;
  const manager: ContextManager = {
    active: () => now,
    with(next, work, self, ...values) {
      const before = now;
      now = next;
      const result = work.call(self as never, ...values);
      const back = () => {
        now = before;
      };
      if (result instanceof Promise) void result.then(back, back);
      else back();
      return result;
    },
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
