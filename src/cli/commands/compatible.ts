/** `godwit compatible` */
import { readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { assembleOffline } from "../../assemble/assemble.ts";
import { migrateOptions } from "../../assemble/options.ts";
import { ConfigError } from "../../errors.ts";
import { type Compatibility, compatible, revisionsOf } from "../../run/compatible.ts";
import { type Listed, readRevisions } from "../../source/revisions.ts";
import { describeFault, parseJson } from "../../std/json.ts";
import type { Answer, Invocation } from "../command.ts";
import { writeOver } from "../files.ts";
import { formatProblem, type Paint } from "../output/problems.ts";
import { withFiles } from "../session.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags } = invocation;
  if (typeof flags.write === "string") return write(invocation, flags.write);
  if (typeof flags.imageRevisions !== "string")
    throw new ConfigError({
      code: "CONFIG_INVALID",
      message: "godwit compatible does not know which image is meant.",
      hint: "`godwit compatible --image-revisions <file>`; the other image writes that file with --write.",
      details: { from: "flag" },
    });
  const image = readList(flags.imageRevisions);
  return withFiles(invocation, async ({ target, config, context }) => {
    const options = migrateOptions(config, "up", "heads");
    const asked = { ...options, image, afterUp: flags.afterUp === true, ready: flags.ready === true };
    const found = await compatible(target, asked, context);
    const { problems, ...rest } = found;
    return {
      json: { ...rest, problems },
      text: textOf(found, invocation.terminal.paint),
      result: true,
      exitCode: found.compatible ? 0 : 1,
    };
  });
}

async function write(invocation: Invocation, file: string): Promise<Answer> {
  const config = await invocation.config();
  const { say: print, signal } = invocation;
  await using assembled = await assembleOffline(config, { print, signal });
  const list = await revisionsOf(assembled.target);
  const path = resolve(file);
  writeOver(path, `${JSON.stringify(list, null, 1)}\n`);
  const revisions = list.migrations.map(({ id }) => id);
  return {
    json: { file: path, revisions },
    text: `${revisions.length} ${revisions.length === 1 ? "revision" : "revisions"} written to ${file}.`,
    result: false,
  };
}

/** The list in a file, or in a bundle. */
function readList(name: string): readonly Listed[] {
  const path = resolve(name);
  let text: string;
  try {
    const isFolder = statSync(path).isDirectory();
    text = readFileSync(isFolder ? join(path, "godwit-bundle.json") : path, "utf8");
  } catch (error) {
    throw unreadable(name, (error as NodeJS.ErrnoException).code ?? "unreadable");
  }
  const parsed = parseJson(text);
  if ("value" in parsed) return readRevisions(parsed.value, name);
  throw unreadable(name, describeFault(parsed.fault));
}

function unreadable(name: string, why: string): ConfigError {
  return new ConfigError({
    code: "REVISIONS_UNREADABLE",
    message: `${name} cannot be read as a list of revisions: ${why}.`,
    hint: "In the other image, run: `godwit compatible --write revisions.json`",
  });
}

const RELATIONS: Readonly<Record<Compatibility["relation"], string>> = {
  same: "it knows exactly what is applied",
  older: "it is older than the database",
  newer: "it is newer than the database",
  different: "it is of another branch than the database",
};

function textOf(found: Compatibility, paint: Paint): string {
  const { database, relation, pending, ahead, problems, warnings } = found;
  const can = found.compatible ? "can" : "cannot";
  return [
    `The image ${can} live with ${database}: ${RELATIONS[relation]}.`,
    ...(ahead.length === 0 ? [] : [`Applied, and newer than the image: ${ahead.join(", ")}.`]),
    ...(pending.length === 0
      ? []
      : [`Its own up would apply: ${pending.map(({ revision }) => revision).join(", ")}.`]),
    // That the database is ahead is what was asked, and is said above.
    ...warnings
      .filter(({ code }) => code !== "PLAN_VANISHED")
      .map((problem) => formatProblem("warning", problem, paint)),
    ...problems.map((problem) => formatProblem("error", problem, paint)),
  ].join("\n");
}
