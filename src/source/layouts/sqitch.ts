/**
 * Sqitch. `sqitch.plan` gives the order, and `sqitch.conf` the folders. `deploy/` holds the way up and `revert/` the way
 * back. What `verify/` checks is left to Sqitch: nothing of it stays in the database.
 *
 * A reworked change appears several times. The plan's own names for its instances change with every rework (`x` becomes
 * `x@tag`), and a ledger needs stable names. The first instance is `x`, the next ones are `x#2`, `x#3`.
 *
 * Sqitch runs its scripts with psql. Variables are replaced as psql does, and psql commands are refused by name. For
 * Sqitch, a script without BEGIN is one transaction per statement. Here the whole script is one transaction if possible.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join, posix, relative, sep } from "node:path";
import { analyse } from "../../core/sql/analyse.ts";
import { quotedName, quoted as quotedText } from "../../core/sql/quote.ts";
import { nextToken } from "../../core/sql/tokens.ts";
import { type Problem, SourceError } from "../../errors.ts";
import { readFolder } from "../folder.ts";
import { placeAt } from "../place.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import type { Entry, FileText, Layout, LayoutOptions, Reading } from "./layout.ts";
import { lineEndVariants } from "./line-ends.ts";
import { missingPlaceholders } from "./placeholders.ts";
import { type Change, parsePlan } from "./sqitch-plan.ts";

export const sqitch: Layout = {
  name: "sqitch",
  discover(folder, options) {
    const names = readFolder(folder).map(({ name }) => name);
    const settings = readSettings(folder, names);
    if (!existsSync(join(folder, settings.plan))) throw new SourceError([nothingIn(folder, settings.plan)]);
    const plan = parsePlan(readText(join(folder, settings.plan), settings.plan), settings.plan);
    if (plan === null)
      throw new SourceError([
        refused(`${folder}/${settings.plan}`, "it has no %project", "Restore it from version control."),
      ]);
    const { project, changes, problems } = plan;
    return {
      entries: changes.map((change) => entryOf(folder, change, { project, settings, options })),
      problems,
    };
  },
};

interface Settings {
  readonly plan: string;
  readonly deploy: string;
  readonly revert: string;
  readonly reworkedDeploy: string;
  readonly reworkedRevert: string;
  readonly extension: string;
  readonly variables: Readonly<Record<"up" | "down", ReadonlyMap<string, string>>>;
}

/** Git's format: sections, some with a quoted name, and keys. The more specific section takes precedence. */
function readSettings(folder: string, names: readonly string[]): Settings {
  const values = new Map<string, Map<string, string>>();
  let section = new Map<string, string>();
  const text = names.includes("sqitch.conf") ? readText(join(folder, "sqitch.conf"), "sqitch.conf") : "";
  for (const line of text.split("\n")) {
    const [, name, sub = ""] = /^\s*\[\s*([\w.-]+)(?:\s+"([^"]*)")?\s*\]/.exec(line) ?? [];
    const [, key, value = ""] = /^\s*([A-Za-z][\w-]*)\s*=\s*("(?:[^"\\]|\\.)*"|[^#;]*)/.exec(line) ?? [];
    if (name !== undefined) {
      const title = sub === "" ? name : `${name}.${sub}`;
      section = values.get(title) ?? new Map();
      values.set(title, section);
    } else if (key !== undefined) section.set(key, value.trim().replace(/^"(.*)"$/s, "$1"));
  }
  const engine = values.get("core")?.get("engine") ?? "pg";
  if (engine !== "pg")
    throw new SourceError([
      refused(`${folder}/sqitch.conf`, `its engine is ${engine}`, "Only projects for pg can be run."),
    ]);
  const target = values.get("engine.pg")?.get("target") ?? values.get("core")?.get("target") ?? "";
  const sections = [`target.${target}`, "engine.pg", "core"];
  const find = (key: string) => sections.flatMap((name) => values.get(name)?.get(key) ?? [])[0];
  const top = find("top_dir") ?? ".";
  const reworked = find("reworked_dir") ?? top;
  const merged = (...sectionNames: string[]) =>
    new Map([
      ["registry", find("registry") ?? "sqitch"],
      ...sectionNames.flatMap((name) => [...(values.get(`${name}.variables`) ?? [])]),
    ]);
  return {
    plan: posix.normalize(find("plan_file") ?? posix.join(top, "sqitch.plan")),
    deploy: find("deploy_dir") ?? posix.join(top, "deploy"),
    revert: find("revert_dir") ?? posix.join(top, "revert"),
    reworkedDeploy: find("reworked_deploy_dir") ?? posix.join(reworked, "deploy"),
    reworkedRevert: find("reworked_revert_dir") ?? posix.join(reworked, "revert"),
    extension: find("extension") ?? "sql",
    variables: {
      up: merged("core", "deploy", "engine.pg", `target.${target}`),
      down: merged("core", "deploy", "revert", "engine.pg", `target.${target}`),
    },
  };
}

function entryOf(
  folder: string,
  change: Change,
  { project, settings, options }: { project: string; settings: Settings; options: LayoutOptions },
): Entry {
  const isReworked = change.reworkTags.length > 0;
  const deploy = isReworked ? settings.reworkedDeploy : settings.deploy;
  const revert = isReworked ? settings.reworkedRevert : settings.revert;
  const below = (path: string) => relative(folder, join(folder, path)).split(sep).join("/");
  const candidates = isReworked ? change.reworkTags.map((tag) => `${change.name}@${tag}`) : [change.name];
  const scripts = candidates.map((name) => `${name}.${settings.extension}`);
  const script = scripts.find((name) => existsSync(join(folder, deploy, name))) ?? scripts[0] ?? "";
  const back = below(posix.join(revert, script));
  const given = (direction: "up" | "down") =>
    new Map([...settings.variables[direction], ...Object.entries(options.placeholders)]);
  return {
    id: change.instance === 1 ? change.name : `${change.name}#${change.instance}`,
    file: below(posix.join(deploy, script)),
    downFile: existsSync(join(folder, back)) ? back : undefined,
    read: (file) => readScript(file, change, { project, variables: given("up") }),
    readDown: ({ text }) => ({
      text: withVariables(text, given("down")).text,
      line: 1,
      transaction: undefined,
    }),
  };
}

function readScript(
  { file, bytes, text }: FileText,
  change: Change,
  { project, variables }: { project: string; variables: ReadonlyMap<string, string> },
): Reading {
  const filled = withVariables(text, variables);
  const [hash = "", ...others] = lineEndVariants(bytes).map((each) =>
    createHash("sha1").update(each).digest("hex"),
  );
  return {
    up: { text: filled.text, line: 1, transaction: undefined },
    problems: [
      ...commands(file, text),
      ...missingPlaceholders(filled, {
        file,
        text,
        written: (name) => `:'${name}'`,
        hint: (name) =>
          `Give ${name} a value in \`placeholders\`, or in [deploy "variables"] of sqitch.conf.`,
      }),
    ],
    tool: {
      version: change.id,
      checksums: [hash, ...others],
      columns: {
        ...{ change_id: change.id, script_hash: hash, change: change.name, project, note: change.note },
        planned_at: change.plannedAt,
        planner_name: change.plannerName,
        planner_email: change.plannerEmail,
      },
    },
  };
}

/** Finds psql commands, which the server does not understand. COPY data is refused separately, when it is reached. */
function commands(file: string, text: string): readonly Problem[] {
  if (!text.includes("\\") || analyse(text).copyFromStdin !== null) return [];
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    if (text[token.start] !== "\\") continue;
    if (/^\\(?:un)?restrict\s/.test(text.slice(token.start, token.start + 16))) continue;
    const command = /^\\(?:[^\s\\]+)?/.exec(text.slice(token.start))?.[0] ?? "\\";
    return [
      {
        code: "SOURCE_PSQL_COMMAND",
        message: `${file} contains the psql command ${command}.`,
        hint: "Only SQL reaches the server: replace the command by SQL, or remove the line.",
        place: placeAt(file, text, token.start),
      },
    ];
  }
  return [];
}

/** `:name`, `:'name'` and `:"name"`, outside strings and comments. A name without a value stays, as in psql. */
function withVariables(
  text: string,
  variables: ReadonlyMap<string, string>,
): { text: string; missing: { name: string; offset: number }[] } {
  const missing: { name: string; offset: number }[] = [];
  const parts: string[] = [];
  let done = 0;
  let colon: number | null = null;
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const written = text.slice(token.start, token.end);
    if (colon === token.start) {
      const quoted = /^(['"])(\w+)\1$/.exec(written);
      const name = quoted?.[2] ?? (token.kind === "word" ? written : undefined);
      const value = name === undefined ? undefined : variables.get(name);
      if (value !== undefined) {
        const filled = quoted === null ? value : quoted[1] === "'" ? quotedText(value) : quotedName(value);
        parts.push(text.slice(done, colon - 1), filled);
        done = token.end;
      } else if (quoted !== null && name !== undefined) missing.push({ name, offset: colon - 1 });
    }
    colon = written === ":" ? token.end : null;
  }
  return { text: parts.join("") + text.slice(done), missing };
}

function nothingIn(folder: string, plan: string): Problem {
  return refused(folder, `there is no ${plan} in it`, "Name the folder of sqitch.conf with --dir.");
}

function refused(folder: string, why: string, hint: string): Problem {
  return layoutRefused("sqitch", { folder, why, hint });
}
