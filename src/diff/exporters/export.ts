/**
 * Desired schemas that other tools describe, as SQL. Each tool exports its own: we run it where it is installed, in a process of
 * its own, and read what it prints. No tool is given a database to connect to.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { splitStatements } from "../../core/sql/statements.ts";
import { SourceError } from "../../errors.ts";
import { describeEnd, runCommand } from "../../host/command.ts";
import { presentable } from "../../std/secret.ts";
import { formatDuration, timeLimit } from "../../std/time.ts";
import type { SchemaFile } from "../load.ts";
import { drizzle } from "./drizzle.ts";
import type { Exporter, ExportPlace } from "./exporter.ts";
import { prisma } from "./prisma.ts";
import { sqlalchemy } from "./sqlalchemy.ts";

export interface Chosen {
  readonly exporter: Exporter;
  readonly subject: string;
}

const EXPORTERS = { drizzle, prisma, sqlalchemy } as const;
const NAMED = /^(drizzle|prisma|sqlalchemy):(.+)$/s;
/** `app.models:Base.metadata` */
const OBJECT = /^[\p{L}_][\w\p{L}.]*:[\p{L}_][\w\p{L}.]*$/u;
const SCRIPT = /\.[cm]?[jt]sx?$/;

/** The tool that a schema is for: named before a colon, or known by the file. `null`: none, so it is SQL. */
export function exporterOf(word: string, root: string): Chosen | null {
  const [, name, rest] = NAMED.exec(word) ?? [];
  if (name !== undefined && rest !== undefined)
    return { exporter: EXPORTERS[name as keyof typeof EXPORTERS], subject: rest };
  const path = resolve(root, word);
  if (existsSync(path)) {
    const isFolder = statSync(path).isDirectory();
    const names = isFolder ? readdirSync(path, { recursive: true, encoding: "utf8" }) : [path];
    if (names.some((one) => one.endsWith(".sql"))) return null;
    if (names.some((one) => one.endsWith(".prisma"))) return { exporter: prisma, subject: word };
    const isScript = names.some((one) => SCRIPT.test(one)) || /drizzle[^/\\]*\.json$/.test(path);
    return isScript ? { exporter: drizzle, subject: word } : null;
  }
  return OBJECT.test(word) ? { exporter: sqlalchemy, subject: word } : null;
}

/** Time enough for a large project on a slow machine. Code that hangs is ended. */
const EXPORT_LIMIT_MS = 120_000;
/** Of stderr, to look for what went wrong. */
const KEPT_LINES = 200;

/** Throws `SourceError` `SCHEMA_EXPORT_FAILED`, with the words of the tool. */
export async function exported(
  { exporter, subject }: Chosen,
  { signal, ...place }: ExportPlace & { readonly signal: AbortSignal },
): Promise<SchemaFile> {
  const { words, folder, hint } = exporter.command(subject, place);
  const lines: string[] = [];
  let text = "";
  using limit = timeLimit(EXPORT_LIMIT_MS);
  const ended = await runCommand(words, {
    folder,
    environment: { ...place.environment, ...QUIET },
    signal: AbortSignal.any([signal, limit.signal]),
    print: (line) => {
      if (lines.length < KEPT_LINES) lines.push(stripVTControlCharacters(line).trimEnd());
    },
    onOutput: (more) => {
      text += more;
    },
  }).catch((error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (signal.aborted) throw error;
    if (limit.signal.aborted) throw failed(`it was not done within ${formatDuration(EXPORT_LIMIT_MS)}`);
    throw typeof code === "string" ? failed(`${words[0]} could not be started (${code})`) : error;
  });
  // drizzle-kit exits with 0 also when it has failed, and so does a module that ends the program when it is imported.
  const { end } = exporter;
  const isWhole = ended.exitCode === 0 && (end === undefined || text.trimEnd().split("\n").at(-1) === end);
  const hasStatements = splitStatements(text).length > 0;
  if (isWhole && hasStatements) return { name: `${subject} (exported)`, text };
  const said = exporter.words(lines).join(" ").replace(/\s+/g, " ").trim();
  if (said !== "" && (!isWhole || text.trim() === "")) throw failed(presentable(said));
  if (isWhole) throw failed(EMPTY);
  throw failed(ended.exitCode === 0 ? "it ended before all was written" : describeEnd(ended));

  function failed(why: string): SourceError {
    return new SourceError([
      {
        code: "SCHEMA_EXPORT_FAILED",
        message: `The schema ${subject} could not be exported by ${exporter.name}: ${why}`,
        hint,
        details: { tool: exporter.name, output: lines.map(presentable) },
      },
    ]);
  }
}

/** What it makes of a model that nobody has imported. Taken as a schema, it would drop every table. */
const EMPTY = "it describes no table, and the models may not be exported or imported where it looks";

const QUIET = {
  NO_COLOR: "1",
  FORCE_COLOR: undefined,
  CHECKPOINT_DISABLE: "1",
  PRISMA_HIDE_UPDATE_MESSAGE: "1",
  PYTHONIOENCODING: "utf-8",
};
