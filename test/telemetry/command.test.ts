/** The command tells OpenTelemetry what it does, if somebody has registered it in the process, and loads nothing otherwise. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { commandIn } from "../support/command.ts";
import { expect, test } from "../support/database.ts";
import { folderOf } from "../support/target.ts";
import { registerIn } from "../support/telemetry.ts";

const FILES = {
  "migrations/0001_a.sql": "create table a (word_of_the_file int);",
  "migrations/0002_b.sql": "create table b (id int);",
};

test("a run is one trace: the run, the wait for its lock, and each step, without a word of SQL", async ({
  db,
}) => {
  const folder = folderOf(FILES);
  const told = registerIn(folder);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const godwit = commandIn({ folder, url: db.url, env: { ...told.env, TRACEPARENT: traceparent } });
  const { report } = (await godwit("up", "--json")).json;
  const [run, ...others] = told.spans().toSorted((one, other) => (one.name < other.name ? 1 : -1));
  expect(others.map(({ name }) => name)).toEqual(["godwit up", "apply 0002_b", "apply 0001_a"]);
  const [root] = others;
  expect(run?.name).toBe("wait for lock");
  expect(root).toMatchObject({ parent: "b7ad6b7169203331", trace: "0af7651916cd43dd8448eb211c80319c" });
  expect(root?.attributes).toEqual({
    ...{ "db.system.name": "postgresql", "db.namespace": db.name, "godwit.target": db.name },
    ...{ "godwit.command": "up", "godwit.run.id": report.runId, "godwit.outcome": "done" },
  });
  for (const span of told.spans())
    if (span !== root && span.name !== root?.name) expect(span.parent).toBe(root?.id);
  expect(others.at(-1)?.attributes).toEqual({
    ...{ "db.system.name": "postgresql", "godwit.revision": "0001_a", "godwit.direction": "up" },
    ...{ "godwit.phase": "startup", "godwit.attempts": 1, "godwit.transactional": true },
  });
  const numbers = new Map(told.metrics().map(({ name, points }) => [name, points]));
  expect(numbers.get("godwit.runs")).toEqual([{ attributes: { "godwit.outcome": "completed" }, value: 1 }]);
  expect(numbers.get("godwit.steps")).toEqual([{ attributes: { "godwit.outcome": "done" }, value: 2 }]);
  expect(numbers.get("godwit.step.duration")?.[0]?.value).toMatchObject({ count: 2 });
  expect(told.text()).not.toMatch(/create table|word_of/);
});

test("what fails is an error in trace and numbers, by its code alone", async ({ db }) => {
  const folder = folderOf({ ...FILES, "migrations/0003_c.sql": "select 'word_of_the_file'::int" });
  const told = registerIn(folder);
  await commandIn({ folder, url: db.url, env: told.env }).fails(1, "up");
  const failed = told.spans().filter(({ error }) => error);
  expect(failed.map(({ name, attributes }) => [name, attributes["error.type"]])).toEqual([
    ["apply 0003_c", "STEP_FAILED"],
    ["godwit up", "STEP_FAILED"],
  ]);
  const steps = told.metrics().find(({ name }) => name === "godwit.steps")?.points;
  expect(steps?.map(({ value }) => value)).toEqual([2, 1]);
  expect(told.text()).not.toContain("word_of");
});

test("OTEL_SDK_DISABLED switches it off, and without a registration the API is not even loaded", async ({
  db,
}) => {
  const folder = folderOf(FILES);
  const told = registerIn(folder);
  const disabled = { ...told.env, OTEL_SDK_DISABLED: "true" };
  await commandIn({ folder, url: db.url, env: disabled })("up", "+1");
  expect(told.text()).toBe("");
  // Whatever is loaded is printed.
  const env = { NODE_DEBUG: "module" };
  const { stderr } = await commandIn({ folder, url: db.url, env })("up");
  expect(stderr).toContain("godwit.cjs");
  expect(stderr).not.toContain("opentelemetry");
});

test("a tracer that throws, and one whose export never ends, change nothing of the run", async ({ db }) => {
  const api = `const api = require(${JSON.stringify(createRequire(import.meta.url).resolve("@opentelemetry/api"))});
    const span = () => { throw new Error("broken"); };`;
  const folder = folderOf({
    ...FILES,
    "throws.cjs": `${api} api.trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan: span }) });`,
    "hangs.cjs": `${api} api.metrics.setGlobalMeterProvider({ getMeter: api.createNoopMeter, forceFlush: () => new Promise(() => {}) });`,
  });
  for (const [script, goal] of [
    ["throws.cjs", "+1"],
    ["hangs.cjs", "+1"],
  ] as const) {
    const env = { NODE_OPTIONS: `--require ${join(folder, script)}` };
    const { json } = await commandIn({ folder, url: db.url, env })("up", goal, "--json");
    expect(json.report.steps).toHaveLength(1);
  }
});
