import parse from "parse-prometheus-text-format";
import { expect, test } from "vitest";
import type { RunEvent } from "../../run/report/events.ts";
import { metricsText } from "./metrics.ts";
import { createHealthState } from "./state.ts";

const about = { service: 'the "shop"\\\n2', environment: "production", version: "1.0.0", startedAtMs: 0 };
const figures = {
  ...{ stage: "reading", failed: 2 },
  ...{ files: { done: 10, total: 40 }, bytes: { done: 1000, total: 4000 } },
};

function valuesOf(text: string, name: string) {
  return parse(text).find((family) => family.name === `godwit_${name}`)?.metrics;
}

test("imports have their progress, and keep it when the run is over", () => {
  const state = createHealthState();
  state.begin();
  state.observe({ kind: "import-progress", import: 'a "b"', figures } as unknown as RunEvent);
  state.end({ ok: true, problems: [] });
  const text = metricsText(state.snapshot(), about, new Date());
  const labels = { import: 'a "b"' };
  expect(valuesOf(text, "import_files_done")).toEqual([{ value: "10", labels }]);
  expect(valuesOf(text, "import_bytes")).toEqual([{ value: "4000", labels }]);
  expect(valuesOf(text, "import_files_failed")).toEqual([{ value: "2", labels }]);
});

test("every line is a comment or a sample, each metric is described once, and nothing is not a number", () => {
  const text = metricsText(createHealthState().snapshot(), about, new Date());
  const label = '[a-z_]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
  const sample = new RegExp(
    `^godwit_[a-z_]+(?:\\{${label}(?:,${label})*\\})? -?\\d+(?:\\.\\d+)?(?:e-?\\d+)?$`,
  );
  expect(text.endsWith("\n")).toBe(true);
  const lines = text.trimEnd().split("\n");
  expect(lines.filter((line) => !line.startsWith("# ") && !sample.test(line))).toEqual([]);
  const types = lines.filter((line) => line.startsWith("# TYPE "));
  expect(new Set(types).size).toBe(types.length);
  expect(valuesOf(text, "migrations_status")).toEqual(
    ["completed", "running", "failed", "unknown"].map((status) => ({
      value: status === "unknown" ? "1" : "0",
      labels: { status },
    })),
  );
});
