/** A target on a test's own database and a folder of its own, for tests that call the use-cases directly. */
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { PHASES } from "../../src/core/migration.ts";
import { parseAddress } from "../../src/database/address/address.ts";
import { openPostgres } from "../../src/database/wire/postgres.ts";
import { openLedger } from "../../src/ledger/ledger.ts";
import { migrate } from "../../src/run/migrate.ts";
import type { MigrateOptions } from "../../src/run/plan.ts";
import { type Observe, presentableEvent, type RunEvent } from "../../src/run/report/events.ts";
import type { Report } from "../../src/run/report/report.ts";
import type { RunContext, RunSettings, Target } from "../../src/run/session/target.ts";
import { openPlain } from "../../src/source/plain/plain.ts";
import type { Source } from "../../src/source/source.ts";
import { ledgerSchema } from "./database.ts";
import { hear, textOf } from "./heard.ts";
import { expectNoSecretsBelow } from "./left-files.ts";

export type Files = Readonly<Record<string, string>>;

/** What tests wrote, which may hold secrets of theirs. */
const written = new Set<string>();

/** A folder with these files, gone when the test is over. */
export function folderOf(files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), "godwit-test-"));
  onTestFinished(() => {
    try {
      expectNoSecretsBelow(folder, written);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  writeFiles(folder, files);
  return folder;
}

export function writeFiles(folder: string, files: Files): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
    written.add(join(folder, name));
  }
}

export const SETTINGS: RunSettings = {
  project: null,
  order: [],
  lockTimeoutMs: 3_000,
  statementTimeoutMs: 0,
  idleTimeoutMs: 60_000,
  lockAttempts: 20,
  connectAttempts: 3,
  connectDelayMs: 50,
  lockWaitMs: 60_000,
  searchPath: null,
  role: null,
};

export interface TargetOptions {
  readonly url: string;
  readonly folder: string;
  readonly settings?: Partial<RunSettings>;
  readonly pooling?: "session" | "transaction";
  /** Instead of one of its own. */
  readonly source?: Source;
}

export function targetOf({
  url,
  folder,
  settings,
  pooling,
  source = sourceOf(folder),
}: TargetOptions): Target {
  const address = parseAddress({ url, environment: {} });
  return {
    name: "test",
    source,
    ledger: openLedger(ledgerSchema),
    open: (options) => openPostgres(address, { ...options, pooling }),
    settings: { ...SETTINGS, ...settings },
  };
}

/** A folder, opened for the test; its process of modules lives as long. */
export function sourceOf(folder: string): Source {
  const source = openPlain({ folder, cacheFolder: join(folder, ".cache") });
  onTestFinished(() => source.close?.());
  return source;
}

/** One source for each lane: a process of modules for each of thousands of runs would take most of their time. */
export function sourcesOf(folder: string): (lane: number) => Source {
  const sources = new Map<number, Source>();
  return (lane) => {
    const source = sources.get(lane) ?? sourceOf(folder);
    sources.set(lane, source);
    return source;
  };
}

export interface Recorder extends RunContext {
  readonly events: RunEvent[];
  readonly abort: (reason: unknown) => void;
  /** Resolves with the first event of this kind, past or to come. */
  once<K extends RunEvent["kind"]>(kind: K): Promise<RunEvent & { kind: K }>;
}

export function recorder(listener: Observe = () => {}): Recorder {
  const controller = new AbortController();
  const events: RunEvent[] = [];
  const waiting: { kind: string; resolve: (event: never) => void }[] = [];
  return {
    runId: randomUUID(),
    host: "test-host",
    version: "0.0.0-test",
    gitCommit: null,
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    events,
    observe(event) {
      events.push(event);
      hear(`An event (${event.kind})`, textOf(presentableEvent(event)));
      listener(event);
      for (const one of waiting.filter(({ kind }) => kind === event.kind)) one.resolve(event as never);
    },
    once(kind) {
      const past = events.find((event) => event.kind === kind);
      if (past !== undefined) return Promise.resolve(past as never);
      return new Promise((resolve) => waiting.push({ kind, resolve: resolve as never }));
    },
  };
}

export const UP: MigrateOptions = {
  goal: { direction: "up", to: "heads", phases: PHASES },
  failure: "stop",
  outOfOrder: false,
};

export const down = (to: string): MigrateOptions => ({ ...UP, goal: { ...UP.goal, direction: "down", to } });

export function up(
  target: Target,
  context: RunContext = recorder(),
  options: Partial<MigrateOptions> = {},
): Promise<Report> {
  return migrate(target, { ...UP, ...options }, context);
}
