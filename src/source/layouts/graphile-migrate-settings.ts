/** `.gmrc` of graphile-migrate: the values of placeholders, and settings that would run something beside the migrations. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Problem, SourceError } from "../../errors.ts";
import { describeFault, parseJson } from "../../std/json.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import type { LayoutOptions } from "./layout.ts";

/** The values of placeholders, by name with its colon. `null`: only the tool knows the value. A function: see `facts`. */
export type Placeholders = ReadonlyMap<string, Value>;
type Value = string | null | (() => string | null);

/** Reads `.gmrc`, which is JSON with comments. A `.gmrc.js` is not run, only searched for settings that are refused. */
export function readSettings(
  folder: string,
  { placeholders, environment, searchPath, facts = () => null }: LayoutOptions,
): { placeholders: Placeholders; problems: readonly Problem[] } {
  const given = Object.entries(placeholders).map(
    ([name, value]) => [`:${name.replace(/^:/, "")}`, value] as const,
  );
  const reserved: readonly (readonly [string, Value])[] = [
    [":DATABASE_NAME", () => facts()?.database ?? null],
    [":DATABASE_OWNER", () => facts()?.owner ?? null],
  ];
  const find = (...names: readonly string[]) =>
    [folder, dirname(folder), dirname(dirname(folder))]
      .flatMap((each) => names.map((name) => join(each, name)))
      .find((each) => existsSync(each));
  const path = find(".gmrc");
  if (path === undefined) {
    const program = find(".gmrc.js", ".gmrc.cjs");
    const problems = program === undefined ? [] : refusedProgram(program);
    return { placeholders: new Map<string, Value>([...reserved, ...given]), problems };
  }
  const parsed = parseJson(withoutComments(readText(path, path)));
  if ("fault" in parsed) {
    const why = `it is ${describeFault(parsed.fault)}`;
    throw new SourceError([
      layoutRefused("graphile-migrate", { folder: path, why, hint: "Mend it, or restore it." }),
    ]);
  }
  const settings = parsed.value as {
    placeholders?: Record<string, unknown>;
    pgSettings?: Record<string, unknown>;
    [action: string]: unknown;
  };
  const own = Object.entries(settings.placeholders ?? {}).map(([name, value]) => {
    const meant = value === "!ENV" ? environment[name.slice(1)] : value;
    return [name, typeof meant === "string" ? meant : null] as const;
  });
  return {
    placeholders: new Map<string, Value>([...reserved, ...own, ...given]),
    problems: [
      ...ACTIONS.flatMap((action) => (runsSomething(settings[action]) ? [refusedAction(path, action)] : [])),
      ...Object.entries(settings.pgSettings ?? {}).flatMap(([name, value]) =>
        name === "search_path" && searchPath != null ? [] : [refusedSetting(path, `${name} = ${value}`)],
      ),
    ],
  };
}

const ACTIONS = ["beforeAllMigrations", "afterAllMigrations"];

/** Finds names outside of comments. Only the program itself knows their values. */
function refusedProgram(path: string): readonly Problem[] {
  const text = readText(path, path).replace(/\/\/[^\n]*|\/\*[\s\S]*?\*\//g, "");
  const has = (word: string) => new RegExp(String.raw`\b${word}\b["']?\s*[:(=]`).test(text);
  return [
    ...ACTIONS.flatMap((action) => (has(action) ? [refusedAction(path, action)] : [])),
    ...(has("pgSettings") ? [refusedSetting(path, "settings")] : []),
  ];
}

function refusedSetting(path: string, what: string): Problem {
  return layoutRefused("graphile-migrate", {
    folder: path,
    why: `its pgSettings have ${what}, which the tool would set in front of every migration`,
    hint: "Say it in our own configuration (searchPath, role) or in the migrations, then take it out.",
  });
}

/** Actions for the shadow database are for development only, so they do not count. */
function runsSomething(actions: unknown): boolean {
  const list = Array.isArray(actions) ? actions : actions == null ? [] : [actions];
  return list.some((action) => (action as { shadow?: unknown } | null)?.shadow !== true);
}

/** Blanks comments and trailing commas. */
function withoutComments(text: string): string {
  return text
    .replace(
      /("(?:[^"\\\n]|\\.)*")|\/\/[^\n]*|\/\*[\s\S]*?\*\//g,
      (comment, string: string | undefined) => string ?? comment.replace(/[^\n]/g, " "),
    )
    .replace(/("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])/g, (_, string: string | undefined) => string ?? " ");
}

function refusedAction(path: string, action: string): Problem {
  return layoutRefused("graphile-migrate", {
    folder: path,
    why: `it has ${action}, which the tool would run around every migration`,
    hint: "Put it into a migration or into the deployment, then take it out of .gmrc.",
  });
}
