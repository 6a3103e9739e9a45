/**
 * Flyway. `V<version>__<name>.sql` in the order of their versions, then `R__<name>.sql` by name, from the folder and all
 * below it. Names that Flyway does not understand it passes over, and so do we; what it would run and we cannot
 * (classes, scripts, callbacks) is refused by name.
 *
 * `B<version>__` stands for all versions up to its own, on an empty history. The versions themselves lead to the same
 * place, so it is taken only where they are gone: then the highest one comes first. `U<version>__` is never run: only
 * paid editions do, and none of its history says that it can be trusted.
 */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { crc32 } from "node:zlib";
import type { Problem } from "../../errors.ts";
import { SourceError } from "../../errors.ts";

import { firstStatement } from "../header.ts";
import type { Entry, FileText, Layout, LayoutOptions, Reading } from "../layout.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { fillIn, missingPlaceholders } from "./placeholders.ts";
import { walk } from "./walk.ts";

export const flyway: Layout = {
  name: "flyway",
  discover(folder, options) {
    const problems: Problem[] = [];
    const files = [...walk(folder), ...classesBeside(folder)];
    const named = files.flatMap((file) => {
      const callback = callbackProblem(folder, file);
      if (callback !== null) problems.push(callback);
      return parseName(file) ?? [];
    });
    const versioned = named.filter(({ kind }) => kind === "V").sort(byVersion);
    const repeatable = named.filter(({ kind }) => kind === "R").sort(byDescription);
    const [baseline] = named.filter(({ kind }) => kind === "B").sort((left, right) => byVersion(right, left));
    const stands = baseline !== undefined && !versioned.some((other) => byVersion(other, baseline) <= 0);
    const all = [...(stands ? [baseline] : []), ...versioned, ...repeatable];
    if (all.length === 0) throw new SourceError([...problems, nothingIn(folder)] as [Problem]);
    const context = { folder, options };
    return { entries: all.map((each, at) => entryOf(each, { ...context, before: all[at - 1] })), problems };
  },
};

interface Named {
  readonly kind: "V" | "R" | "B";
  /** Path below the folder. */
  readonly file: string;
  /** As Flyway keeps it, `_` as `.`; empty for R. */
  readonly version: string;
  readonly description: string;
  /** Not SQL. */
  readonly foreign: boolean;
}

const SQL = /\.sql$/i;
const FOREIGN = /\.(?:java|kt|groovy|scala|class|cmd|bat|ps1|py|sh|bash)$/;
const NAME = /^([VRB])(.*?)(?:__(.*))?$/s;
const VERSION = /^\d+(?:\.\d+)*$/;

function parseName(file: string): Named | null {
  const name = basename(file);
  if (!SQL.test(name) && !FOREIGN.test(name)) return null;
  const [, kind, written = "", description = ""] = NAME.exec(name.replace(/\.[^.]+$/, "")) ?? [];
  if (kind === undefined) return null;
  const version = written.replaceAll("_", ".");
  if (kind === "R" ? version !== "" : !VERSION.test(version)) return null;
  const foreign = !SQL.test(name);
  return { kind: kind as Named["kind"], file, version, description: shorten(description), foreign };
}

function shorten(description: string): string {
  const spaced = description.replaceAll("_", " ");
  return spaced.length > 200 ? `${spaced.slice(0, 197)}...` : spaced;
}

/** Part by part as whole numbers of any size; a part that is missing counts as 0. */
function byVersion(left: Named, right: Named): number {
  const [ours, theirs] = [left, right].map(({ version }) => version.split(".").map(BigInt));
  for (let at = 0; at < Math.max(ours?.length ?? 0, theirs?.length ?? 0); at++) {
    const [a, b] = [ours?.[at] ?? 0n, theirs?.[at] ?? 0n];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}

function byDescription(left: Named, right: Named): number {
  return left.description < right.description ? -1 : left.description > right.description ? 1 : 0;
}

function entryOf(
  named: Named,
  { folder, options, before }: { folder: string; options: LayoutOptions; before: Named | undefined },
): Entry {
  const { kind, file } = named;
  const same = kind === "R" ? byDescription : byVersion;
  const twin = before?.kind === kind && same(before, named) === 0 ? before : undefined;
  const settings = twin === undefined && !named.foreign ? readSettings(folder, file) : undefined;
  const problem =
    twin !== undefined ? sameVersion(twin, named) : named.foreign ? notSql(named) : settings?.problem;
  return {
    id: basename(file).replace(/\.[^.]+$/, ""),
    ...(kind === "R" ? { repeatable: true } : {}),
    file,
    problem,
    read: (text) => readMigration(text, named, { options, settings }),
  };
}

interface FileSettings {
  readonly transaction: boolean | undefined;
  readonly replaces: boolean;
  readonly problem?: Problem;
}

/** `<file>.conf`. Whether a statement needs a transaction is found out anyway, so only `false` says anything. */
function readSettings(folder: string, file: string): FileSettings {
  const conf = `${file}.conf`;
  if (!existsSync(join(folder, conf))) return { transaction: undefined, replaces: true };
  const lines = readText(join(folder, conf), conf)
    .split(/\r?\n/)
    .filter((line) => /^[ \t]*[^#\s=]/.test(line) && line.includes("="));
  const values = new Map(
    lines.map((line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
    }),
  );
  const encoding = values.get("encoding") ?? "UTF-8";
  const condition = values.get("shouldExecute") ?? "true";
  const why = !/^utf-?8$/i.test(encoding)
    ? `encoding=${encoding}: only UTF-8 is read`
    : condition !== "true"
      ? `shouldExecute=${condition}: conditions are not evaluated`
      : null;
  return {
    transaction: values.get("executeInTransaction") === "false" ? false : undefined,
    replaces: values.get("placeholderReplacement") !== "false",
    ...(why === null ? {} : { problem: refusedFile(conf, why, "Take the line out, and convert the file.") }),
  };
}

function readMigration(
  file: FileText,
  { kind, version, description, file: script }: Named,
  { options, settings }: { options: LayoutOptions; settings: FileSettings | undefined },
): Reading {
  const values = valuesFor(script, options);
  const filled =
    settings?.replaces === false
      ? { text: file.text, missing: [] }
      : fillIn(file.text, /\$\{([^}]*)\}/g, (name) => values.get(name.toLowerCase()));
  const checksums = [...new Set([...(kind === "R" ? [filled.text] : []), file.text].map(checksumOf))];
  return {
    up: { text: filled.text, line: 1, transaction: settings?.transaction },
    ...(kind === "R" ? { identity: filled.text } : {}),
    problems: missingPlaceholders(filled, {
      ...file,
      written: (name) => `\${${name}}`,
      hint: (name) =>
        `Give ${name} a value in \`placeholders\`${/^flyway:/i.test(name) ? ": it depends on the connection or the moment, so it is not made up" : ""}; or say \`placeholderReplacement=false\` in ${script}.conf.`,
    }),
    tool: {
      version: kind === "R" ? description : version,
      checksums,
      columns: {
        version: kind === "R" ? null : version,
        description,
        type: kind === "B" ? "SQL_BASELINE" : "SQL",
        script,
      },
    },
  };
}

/** Names are the same in capitals. What depends on the connection, the machine or the clock must be given. */
function valuesFor(file: string, { placeholders }: LayoutOptions): ReadonlyMap<string, string> {
  return new Map([
    ["flyway:filename", basename(file)],
    ["flyway:table", "flyway_schema_history"],
    ["flyway:environment", "default"],
    ...Object.entries(placeholders).map(([name, value]) => [name.toLowerCase(), value] as const),
  ]);
}

/** Over the lines without their ends, as a signed number: line ends and the byte order mark do not count. */
function checksumOf(canonical: string): string {
  return String(crc32(Buffer.from(canonical.replaceAll("\n", ""), "utf8")) | 0);
}

/** Those that `migrate` fires; the ones of other commands (`beforeClean`, …) have no part in it. */
const CALLBACK =
  /^(?:(?:before|after)(?:Connect|Migrate|EachMigrate|EachMigrateStatement|Validate)|after(?:Migrate|EachMigrate|EachMigrateStatement|Validate)Error|beforeCreateSchema|createSchema|beforeRepeatables|afterVersioned|afterMigrateApplied|after(?:Migrate|Validate)OperationFinish)(?:__.*)?$/s;

function callbackProblem(folder: string, file: string): Problem | null {
  const name = basename(file);
  if ((!SQL.test(name) && !FOREIGN.test(name)) || !CALLBACK.test(name.replace(/\.[^.]+$/, ""))) return null;
  const text = SQL.test(name) ? readText(join(folder, file), file) : " ?";
  if (firstStatement(text) === text.length) return null;
  return refusedFile(
    file,
    "it is a callback, which Flyway would run at every migrate",
    "Put what it does into a migration (R__ runs again when it changes), or into the deployment; then remove the file.",
  );
}

/** Maven and Gradle keep the classes of `src/main/resources/db/migration` beside it, and they share its versions. */
function classesBeside(folder: string): readonly string[] {
  return ["java", "kotlin"].flatMap((language) => {
    const sibling = folder.replace(/([\\/]src[\\/]main[\\/])resources(?=[\\/])/, `$1${language}`);
    if (sibling === folder || !existsSync(sibling)) return [];
    return walk(sibling).filter((file) => FOREIGN.test(file));
  });
}

function notSql({ file }: Named): Problem {
  return refusedFile(
    file,
    "it is a class or a script, and only SQL is run",
    "Write it as SQL; or let Flyway run it and take that over with `godwit adopt`.",
  );
}

function refusedFile(file: string, why: string, hint: string): Problem {
  return layoutRefused("flyway", { folder: file, why, hint });
}

function sameVersion(first: Named, second: Named): Problem {
  const what = first.kind === "R" ? `the name "${first.description}"` : `version ${second.version}`;
  return {
    code: "SOURCE_DUPLICATE_ID",
    message: `${first.file} and ${second.file} both have ${what}.`,
    hint: "Rename or delete one; 1, 1.0 and 01 are one version.",
    place: { file: second.file },
    details: { files: [first.file, second.file] },
  };
}

function nothingIn(folder: string): Problem {
  return layoutRefused("flyway", {
    folder,
    why: "there is no V<version>__<name>.sql in it, nor below it",
    hint: "Name the folder that `flyway.locations` has, with --dir.",
  });
}
