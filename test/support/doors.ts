/** What both doors are asked to do, and what is compared: the answer, the problems, the exit, and both databases. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { root } from "../../scripts/fresh.mjs";
import { GodwitError, type Migrator, type MigratorConfig } from "../../src/index.ts";
import { VERSION } from "../../src/std/version.ts";
import { commandIn, type Json } from "./command.ts";
import { expect, ledgerSchema, type TestDatabase } from "./database.ts";
import { createDatabases } from "./databases.ts";
import { stateOf } from "./state.ts";
import { type Files, folderOf, writeFiles } from "./target.ts";
import { createMigrator } from "./watched.ts";

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** One thing to do: as words of the command, and as a call. `THE_DATABASE` stands for the name of the database. */
export interface Act {
  readonly words: readonly string[];
  readonly call: (migrator: Migrator, database: string) => Promise<unknown>;
  /** The part of the command's document that the library answers with. */
  readonly said: (document: Json) => unknown;
  /** The same part of what the library answers. Default: all of it. */
  readonly answered?: (value: Json) => unknown;
  /** Whether the command is expected to exit with 0. Default: unless the call throws. */
  readonly isDone?: (value: Json) => boolean;
}

/** In between, files change, or both databases do. */
export type Scene = Act | { readonly files: Files } | { readonly sql: string };

export interface Scenario {
  readonly files: Files;
  readonly scenes: readonly Scene[];
  /** Given to the library as it is, and to the command in its file and its environment. */
  readonly config?: MigratorConfig;
}

export const codesOf = (problems: readonly Json[] | undefined) =>
  (problems ?? []).map(({ code, message }: Json) => [code, message]);

/** Runs every act through both doors, each on a database of its own. */
export async function throughBothDoors(db: TestDatabase, scenario: Scenario): Promise<void> {
  const other = await createDatabases(db, 1);
  const [url = ""] = other.urls;
  const [name = ""] = other.names;
  const second = new pg.Client(db.adminUrl.replace(/[^/]+$/, name));
  const owner = new pg.Client(url);
  await Promise.all([second.connect(), owner.connect()]);
  try {
    const { dir, command, config } = projectOf(db, scenario);
    await using migrator = createMigrator({ ...config, databaseUrl: url });
    for (const scene of scenario.scenes) {
      if ("files" in scene) writeFiles(dir, scene.files);
      else if ("sql" in scene) await Promise.all([db.sql(scene.sql), owner.query(scene.sql)]);
      else {
        const said = neutral(await byCommand(command, scene, db.name), db.name);
        const answered = neutral(await byLibrary(migrator, scene, name), name);
        expect(answered, `godwit ${scene.words.join(" ")}`).toEqual(said);
      }
    }
    const theirs = await stateOf(async (text) => (await second.query(text)).rows);
    expect(neutral(theirs, name)).toEqual(neutral(await stateOf(db.admin), db.name));
  } finally {
    await Promise.all([second.end(), owner.end()]);
    await other.drop();
  }
}

function projectOf(db: TestDatabase, { files, config = {} }: Scenario) {
  const { imports, webhooks, ...options } = config;
  const dir = folderOf(files);
  if (imports !== undefined || webhooks !== undefined)
    writeFiles(dir, { "godwit.config.json": JSON.stringify({ imports, webhooks }) });
  const variables = Object.entries(options).map(([key, value]) => [
    `GODWIT_${key.replace(/[A-Z]/g, "_$&").toUpperCase()}`,
    String(value),
  ]);
  const env = { ...Object.fromEntries(variables), GODWIT_DIR: dir, GODWIT_PROJECT: "same" };
  const environment = { PATH: process.env.PATH ?? "", HOME: dir };
  const given = { ...config, dir, root: dir, ledgerSchema, environment, project: "same" };
  return { dir, command: commandIn({ folder: dir, url: db.url, env }), config: given };
}

async function byCommand(godwit: ReturnType<typeof commandIn>, act: Act, database: string) {
  const words = act.words.map((word) => (word === "THE_DATABASE" ? database : word));
  const { json, code } = await godwit.start(...words, "--json").exits(0, 1, 2);
  const hasAnswer = json.ok || json.report !== undefined || act.isDone !== undefined;
  const said = (hasAnswer ? act.said(json) : null) ?? null;
  return { done: code === 0, problems: json.ok ? [] : codesOf(json.problems), said };
}

async function byLibrary(migrator: Migrator, act: Act, database: string) {
  const { answered = (value: Json) => value, isDone = () => true } = act;
  try {
    const value = (await act.call(migrator, database)) as Json;
    const done = isDone(value);
    return { done, problems: done ? [] : problemsIn(value), said: answered(value) };
  } catch (error) {
    if (!(error instanceof GodwitError)) throw error;
    const problems = "problems" in error ? (error.problems as Json[]) : [error.toProblem()];
    const report = error.report as Json;
    return {
      done: false,
      problems: codesOf(problems),
      said: report === undefined ? null : answered(report),
    };
  }
}

/** Of an answer that is a no: what the command prints as problems. */
function problemsIn({ problems, failures = [] }: Json): unknown {
  if (problems !== undefined) return codesOf(problems);
  const certain = failures.filter(({ uncertain }: Json) => !uncertain);
  return codesOf(certain.map(({ problem }: Json) => problem));
}

/** Without what differs between two runs: times, ids, and the name of the database. */
export function neutral(value: unknown, database: string): unknown {
  const text = JSON.stringify(value, (key, each) => (VOLATILE.has(key) ? typeof each : each));
  return JSON.parse(
    (text ?? "null")
      .replaceAll(database, "THE_DATABASE")
      // The binary knows its version, and the sources have none.
      .replaceAll(`'${version}'`, `'${VERSION}'`)
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "UUID")
      .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[.\d]*(?:[+-]\d\d|Z)?/g, "TIME")
      .replace(/\d\d:\d\d(?::\d\d)? \(UTC\)/g, "TIME"),
  );
}

const VOLATILE = new Set(
  "durationMs waitedMs silentForMs stillForMs leftMs pid seconds rowsPerSecond filesPerSecond bytesPerSecond remainingMs workers peakBytes".split(
    " ",
  ),
);
