import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, onTestFinished, test } from "vitest";
import { createHealthState } from "./state.ts";
import { keepStatusFile, readStatusFile } from "./status-file.ts";

const about = { service: "shop", environment: "production", version: "1.0.0", startedAtMs: 0 };

function place(): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-status-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "status.json");
}

/** Reads and parses the file as fast as it can until it is told to stop. */
const READER = `
  const { parentPort, workerData } = require("node:worker_threads");
  const { readFileSync } = require("node:fs");
  const stop = new Int32Array(workerData.stop);
  let read = 0;
  parentPort.postMessage("reads");
  try {
    for (; Atomics.load(stop, 0) === 0; read++) JSON.parse(readFileSync(workerData.file, "utf8"));
    parentPort.postMessage({ read });
  } catch (error) {
    parentPort.postMessage({ read, error: String(error) });
  }`;

test("a reader never sees half of a state", async () => {
  const file = place();
  const state = createHealthState();
  const kept = keepStatusFile(state, { file, about, onFailure: (error) => expect(error).toBeUndefined() });
  const stop = new SharedArrayBuffer(4);
  const reader = new Worker(READER, { eval: true, workerData: { file, stop } });
  await once(reader, "message");
  const over = once(reader, "message");
  for (let at = 0; at < 500; at++) {
    state.begin();
    state.end({ ok: true, problems: [] });
  }
  Atomics.store(new Int32Array(stop), 0, 1);
  const [{ read, error }] = await over;
  expect(error).toBeUndefined();
  expect(read).toBeGreaterThan(10);
  kept.close();
  expect(readStatusFile(file)).toMatchObject({
    ...{ status: "ok", service: "shop", migrations: { status: "completed" } },
    process: { pid: process.pid, host: hostname() },
    snapshot: { counters: { runs: { completed: 500, failed: 0 } } },
  });
  expect(readdirSync(join(file, ".."))).toEqual(["status.json"]);
});

test("what matters is in the file at once, and numbers follow", () => {
  const file = place();
  const state = createHealthState();
  const kept = keepStatusFile(state, { file, about, onFailure: () => {} });
  state.begin();
  expect(readStatusFile(file).migrations.status).toBe("running");
  state.observe({ kind: "warning", problem: { code: "STEP_FAILED", message: "" } });
  expect(readStatusFile(file).snapshot.counters.warnings).toBe(0);
  kept.close();
  expect(readStatusFile(file).snapshot.counters.warnings).toBe(1);
});

test("a file that can't be written any more is told once, and stops nobody", () => {
  const file = place();
  const state = createHealthState();
  const told: string[] = [];
  const kept = keepStatusFile(state, { file, about, onFailure: ({ code }) => told.push(code) });
  rmSync(file);
  mkdirSync(join(file, "in the way"), { recursive: true });
  for (let at = 0; at < 3; at++) state.begin();
  state.end({ ok: true, problems: [] });
  kept.close();
  expect(told).toEqual(["STATUS_FILE"]);
  expect(state.snapshot().status).toBe("completed");
  expect(readdirSync(join(file, ".."))).toEqual(["status.json"]);
});

test("a link in the place of the draft is not followed, and a draft that was left is replaced", () => {
  const file = place();
  const draft = `${file}.${process.pid}.new`;
  const other = join(file, "..", "other");
  writeFileSync(other, "of somebody else");
  symlinkSync(other, draft);
  keepStatusFile(createHealthState(), { file, about, onFailure: () => {} }).close();
  expect(readFileSync(other, "utf8")).toBe("of somebody else");
  writeFileSync(draft, "left");
  keepStatusFile(createHealthState(), { file, about, onFailure: () => {} }).close();
  expect(readdirSync(join(file, "..")).toSorted()).toEqual(["other", "status.json"]);
});
