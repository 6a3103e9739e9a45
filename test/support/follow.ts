/** Makes the situation of a hint with the real binary, takes the printed command, runs it, and looks at what came of it. */
import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Command, commandIn, type Finished, type Running } from "./command.ts";
import { expect, type TestDatabase } from "./database.ts";
import { psql } from "./psql.ts";
import { type Files, folderOf, writeFiles } from "./target.ts";

/** A command line without `godwit`, split at spaces. Behind ` | psql`, its stdout is run as a script. */
type Line = string;

export interface Row {
  /** Keys of hints (`hinted.ts`), in the order in which they are followed. */
  readonly hints: readonly string[];
  /** Paths without a folder are in `migrations/`. */
  readonly files: Files;
  readonly env?: Readonly<Record<string, string>>;
  /** What happened before. */
  readonly before?: (scene: Scene) => Promise<unknown>;
  /** The command that prints the hint; `up` if omitted. */
  readonly says?: Line | ((db: TestDatabase) => Line);
  /** What happens while that command runs. */
  readonly meanwhile?: (scene: Scene, running: Running) => Promise<unknown>;
  /** What the hint wants done by hand before its command. */
  readonly byHand?: (scene: Scene, text: string) => unknown;
  /** What a reader puts where the hint says `<revision>` and the like. */
  readonly fill?: Readonly<Record<string, string>>;
  /** The commands only look. What was refused may still be refused, and they say more about it. */
  readonly looks?: true;
  /** Whether the promise is kept. If omitted: what was refused works now, and nothing is pending. */
  readonly kept?: (scene: Scene, followed: readonly Finished[]) => Promise<unknown>;
}

export interface Scene {
  readonly db: TestDatabase;
  readonly godwit: Command;
  readonly folder: string;
  readonly run: (line: Line) => Promise<Finished>;
  readonly fails: (line: Line) => Promise<Finished>;
  readonly read: (path: string) => string;
  readonly write: (files: Files) => void;
  readonly remove: (...names: readonly string[]) => void;
  readonly rename: (from: string, to: string) => void;
  /** Whether a table is there. */
  readonly has: (table: string) => Promise<boolean>;
  /** Fails unless everything is applied and nothing contradicts it. */
  readonly settled: () => Promise<void>;
}

export async function follow(row: Row, db: TestDatabase): Promise<void> {
  const scene = sceneOf(row, db);
  await row.before?.(scene);
  const says = typeof row.says === "function" ? row.says(db) : (row.says ?? "up");
  const { stdout, stderr } = await (row.meanwhile === undefined
    ? finish(scene, says, ANY)
    : beside(scene, says, row.meanwhile));
  const text = stdout + stderr;
  const lines = row.hints.flatMap((hint) => printed(text, hint)).map((line) => filled(line, row, db));
  await row.byHand?.(scene, text);
  const followed: Finished[] = [];
  for (const line of lines)
    followed.push(await finish(scene, confirmed(line, db), row.looks === true ? [0, 1] : [0]));
  if (row.kept !== undefined) return void (await row.kept(scene, followed));
  await scene.run(says);
  await scene.settled();
}

/** Every way in which a command ends by itself. */
const ANY = Array.from({ length: 256 }, (_, code) => code);

/**
 * The commands of a hint as they were printed: several where it names each of several revisions. The key says the words,
 * and where something was filled in. A message may name a command too, so lines of hints count first.
 */
function printed(text: string, hint: string): readonly Line[] {
  const shape = hint.slice(hint.indexOf(": ") + 2);
  const pattern = new RegExp(`\`(${shape.split("…").map(escaped).join("[^`]*?")})\``, "g");
  const inText = (one: string) => [...one.matchAll(pattern)].flatMap(([, line]) => line ?? []);
  const hinted = inText(
    text
      .split("\n")
      .filter((line) => line.includes("→"))
      .join("\n"),
  );
  const found = hinted.length > 0 ? hinted : inText(text);
  expect(found.length, `\`${shape}\` is not in:\n${text}`).toBeGreaterThan(0);
  return [...new Set(found)];
}

function filled(line: Line, { fill = {} }: Row, db: TestDatabase): Line {
  return line.replace(/<[a-z .…]+>/g, (blank) =>
    blank === "<database>" ? db.name : (fill[blank.slice(1, -1)] ?? expect.fail(`What is ${blank}?`)),
  );
}

/** As `repair` and `baseline` ask for where nobody sits at a terminal; a hint with `--confirm` has it already. */
function confirmed(line: Line, db: TestDatabase): Line {
  const asks = /^godwit (?:repair|baseline) /.test(line) && !line.includes(" --confirm ");
  return `${line.replace(/^godwit /, "")}${asks ? ` --confirm ${db.name}` : ""}`;
}

function sceneOf({ files, env = {} }: Row, db: TestDatabase): Scene {
  const folder = folderOf(inFolder(files));
  const godwit = commandIn({ folder, url: db.url, env });
  const run = (line: Line) => finish({ godwit, db }, line, [0]);
  return {
    db,
    godwit,
    folder,
    run,
    fails: (line) => finish({ godwit, db }, line, ANY.slice(1)),
    read: (path) => readFileSync(join(folder, path), "utf8"),
    write: (more) => writeFiles(folder, inFolder(more)),
    remove: (...names) => {
      for (const name of names) rmSync(join(folder, pathOf(name)));
    },
    rename: (from, to) => renameSync(join(folder, pathOf(from)), join(folder, pathOf(to))),
    has: async (table) => {
      const [row] = await db.sql<{ there: boolean }>("select to_regclass($1) is not null as there", [table]);
      return row?.there === true;
    },
    settled: async () => {
      expect((await run("status --check --json")).json.pending).toBe(0);
    },
  };
}

async function beside(scene: Scene, line: Line, meanwhile: NonNullable<Row["meanwhile"]>): Promise<Finished> {
  const running = scene.godwit.start(...words(line));
  await meanwhile(scene, running);
  return running.exits(...ANY);
}

async function finish(
  { godwit, db }: Pick<Scene, "godwit" | "db">,
  line: Line,
  codes: readonly number[],
): Promise<Finished> {
  const command = line.replace(/ \| psql$/, "");
  if (command === line) return godwit.start(...words(line)).exits(...codes);
  const refusal = psql(db.url, (await godwit(...words(command))).stdout);
  const code = refusal === null ? 0 : STOPPED;
  expect(codes, refusal ?? `psql ran all of \`godwit ${command}\``).toContain(code);
  return { code, stdout: "", stderr: refusal ?? "", json: null };
}

/** psql stopped at an error of the script. */
const STOPPED = 3;

const words = (line: Line) => line.split(" ").filter((word) => word !== "");
const pathOf = (name: string) => (name.includes("/") || !/^\d/.test(name) ? name : `migrations/${name}`);
const inFolder = (files: Files) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [pathOf(name), text]));
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
