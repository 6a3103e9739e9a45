/**
 * Flyway. `V<version>__<name>.sql` in the order of versions, then `R__<name>.sql` by name, from the folder and all
 * folders below it. Names that Flyway does not understand are ignored, here as there. What Flyway would run and we
 * cannot (classes, scripts, callbacks) is refused by name.
 *
 * `B<version>__` replaces all versions up to its own if the history is empty. The versions themselves lead to the same
 * result. The baseline is therefore used only if they are gone, and then the highest one comes first. `U<version>__`
 * never runs: only paid editions run it, and none of its history shows that it can be trusted.
 */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { crc32 } from "node:zlib";
import type { ToolKey } from "../../core/migration.ts";
import type { Problem } from "../../errors.ts";
import { SourceError } from "../../errors.ts";

import { firstStatement } from "../header.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { byDescription, byVersion, FOREIGN, type Named, parseName, stemOf, VERSION } from "./flyway-names.ts";
import { type FlywaySettings, flywaySettings } from "./flyway-settings.ts";
import type { Entry, FileText, Layout, LayoutOptions, Reading } from "./layout.ts";
import { fillIn, missingPlaceholders } from "./placeholders.ts";
import { walk } from "./walk.ts";

export const flyway: Layout = {
  name: "flyway",
  discover(folder, options) {
    const settings = flywaySettings(folder, options);
    const problems: Problem[] = [...settings.problems, ...otherSchema(settings, options)];
    const files = [...walk(folder), ...classesBeside(folder)];
    const named = files.flatMap((file) => {
      const callback = settings.callbacks ? callbackProblem(folder, file, settings) : null;
      if (callback !== null) problems.push(callback);
      return parseName(file, settings) ?? [];
    });
    const versioned = named.filter(({ kind }) => kind === "V").sort(byVersion);
    const repeatable = named.filter(({ kind }) => kind === "R").sort(byDescription);
    const [baseline] = named.filter(({ kind }) => kind === "B").sort((left, right) => byVersion(right, left));
    const stands = baseline !== undefined && !versioned.some((other) => byVersion(other, baseline) <= 0);
    const all = [...(stands ? [baseline] : []), ...versioned, ...repeatable];
    if (all.length === 0) throw new SourceError([...problems, nothingIn(folder)] as [Problem]);
    const context = { folder, options, settings };
    const known = new Set(named.map(({ file }) => file));
    return {
      entries: all.map((each, at) => entryOf(each, { ...context, before: all[at - 1] })),
      problems,
      unlisted: { names: files.filter((file) => /\.sql$/i.test(file) && !known.has(file)) },
    };
  },
};

interface Context {
  readonly folder: string;
  readonly options: LayoutOptions;
  readonly settings: FlywaySettings;
}

function entryOf(named: Named, { before, ...context }: Context & { before: Named | undefined }): Entry {
  const { kind, file, id } = named;
  const same = kind === "R" ? byDescription : byVersion;
  const twin = before?.kind === kind && same(before, named) === 0 ? before : undefined;
  const own = twin === undefined && !named.foreign ? readSettings(context.folder, file) : undefined;
  const problem =
    twin !== undefined
      ? sameVersion(twin, named)
      : named.foreign
        ? notSql(named)
        : (own?.problem ?? passedOver(named, context.settings));
  return {
    id,
    ...(kind === "R" ? { repeatable: true } : {}),
    file,
    problem,
    ...(problem === undefined ? {} : { tool: keyOf(named, []) }),
    read: (text) => readMigration(text, named, { ...context, own }),
  };
}

/** A file that Flyway would not run because of its own configuration. */
function passedOver(named: Named, { target, baseline }: FlywaySettings): Problem | undefined {
  const { kind, version, file } = named;
  if (kind !== "V") return undefined;
  if (target !== null && !(VERSION.test(target) && byVersion(named, { ...named, version: target }) <= 0))
    return refusedFile(
      file,
      `Flyway is told to stop at target=${target}`,
      "Name the revision to go to (`godwit up <revision>`) and take the line out.",
    );
  const first = baseline?.replaceAll("_", ".") ?? "";
  if (!VERSION.test(first) || byVersion(named, { ...named, version: first }) > 0) return undefined;
  return refusedFile(
    file,
    `Flyway would pass over version ${version} on a database that is not empty (baselineOnMigrate, baselineVersion=${baseline})`,
    "Take baselineOnMigrate out. If what it does is in the database, then declare it with `godwit baseline <revision>`.",
  );
}

/** Names without a schema go where Flyway puts them only if you configure a search_path. */
function otherSchema({ schema }: FlywaySettings, { searchPath }: LayoutOptions): readonly Problem[] {
  if (schema === null || searchPath === undefined) return [];
  const [first = "public"] = searchPath ?? [];
  if (first === schema) return [];
  return [
    layoutRefused("flyway", {
      folder: "Flyway's configuration",
      why: `it runs the files in the schema ${schema}, and here names without a schema go into ${first}`,
      hint: `Say searchPath: "${schema}" in the configuration (--search-path ${schema}).`,
    }),
  ];
}

interface FileSettings {
  readonly transaction: boolean | undefined;
  /** Whether placeholders are replaced. `undefined`: as in all files. */
  readonly replaces: boolean | undefined;
  readonly problem?: Problem;
}

const KNOWN = ["executeInTransaction", "encoding", "placeholderReplacement", "shouldExecute"];

/** Reads `<file>.conf`. The statements show whether they need a transaction, so only the value `false` matters. */
function readSettings(folder: string, file: string): FileSettings {
  const conf = `${file}.conf`;
  if (!existsSync(join(folder, conf))) return { transaction: undefined, replaces: undefined };
  const lines = readText(join(folder, conf), conf)
    .split(/\r?\n/)
    .filter((line) => /^[ \t]*[^#!\s=]/.test(line) && line.includes("="));
  const values = new Map(
    lines.map((line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals).trim(), line.slice(equals + 1).trim()];
    }),
  );
  const isOff = (key: string) => values.get(key)?.toLowerCase() === "false";
  const encoding = values.get("encoding") ?? "UTF-8";
  const condition = values.get("shouldExecute") ?? "true";
  const strange = [...values.keys()].find((key) => !KNOWN.includes(key));
  const flag = ["executeInTransaction", "placeholderReplacement"].find(
    (key) => !/^(?:true|false)$/i.test(values.get(key) ?? "true"),
  );
  const why =
    strange !== undefined
      ? `${strange}=${values.get(strange)}: it is not known here`
      : flag !== undefined
        ? `${flag}=${values.get(flag)}: it is neither true nor false`
        : !/^utf-?8$/i.test(encoding)
          ? `encoding=${encoding}: only UTF-8 is read`
          : condition.toLowerCase() !== "true"
            ? `shouldExecute=${condition}: conditions are not evaluated`
            : null;
  return {
    transaction: isOff("executeInTransaction") ? false : undefined,
    replaces: values.has("placeholderReplacement") ? !isOff("placeholderReplacement") : undefined,
    ...(why === null ? {} : { problem: refusedFile(conf, why, "Take the line out, and convert the file.") }),
  };
}

function readMigration(
  file: FileText,
  named: Named,
  { options, settings, own }: Context & { own: FileSettings | undefined },
): Reading {
  const { kind, file: script } = named;
  const { prefix, suffix, separator } = settings.placeholder;
  const values = valuesFor(script, options, settings);
  const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const pattern = new RegExp(
    `${literally(prefix)}((?:(?!${literally(suffix)})[^])*)${literally(suffix)}`,
    "g",
  );
  const filled =
    (own?.replaces ?? settings.replaces)
      ? fillIn(file.text, pattern, (name) => values.get(name.toLowerCase()))
      : { text: file.text, missing: [] };
  const checksums = [...new Set([...(kind === "R" ? [filled.text] : []), file.text].map(checksumOf))];
  const isOwn = (name: string) => name.toLowerCase().startsWith(`flyway${separator}`);
  return {
    up: { text: filled.text, line: 1, transaction: own?.transaction },
    ...(kind === "R" ? { identity: filled.text } : {}),
    problems: missingPlaceholders(filled, {
      ...file,
      written: (name) => `${prefix}${name}${suffix}`,
      hint: (name) =>
        `Give ${name} a value in \`placeholders\`${isOwn(name) ? ": it depends on the connection or the moment, so it is not made up" : ""}; or say \`placeholderReplacement=false\` in ${script}.conf.`,
    }),
    tool: keyOf(named, checksums),
  };
}

function keyOf({ kind, version, description, file }: Named, checksums: readonly string[]): ToolKey {
  return {
    version: kind === "R" ? description : version,
    checksums,
    columns: {
      version: kind === "R" ? null : version,
      description,
      type: kind === "B" ? "SQL_BASELINE" : "SQL",
      script: file,
    },
  };
}

/** Names are compared regardless of case. You must give values that depend on the connection, the machine or the clock. */
function valuesFor(
  file: string,
  { placeholders }: LayoutOptions,
  { placeholder: { separator }, table, placeholders: configured }: FlywaySettings,
): ReadonlyMap<string, string> {
  return new Map([
    [`flyway${separator}filename`, basename(file)],
    [`flyway${separator}table`, table],
    [`flyway${separator}environment`, "default"],
    ...configured,
    ...Object.entries(placeholders).map(([name, value]) => [name.toLowerCase(), value] as const),
  ]);
}

/** Covers the lines without their ends, as a signed number. Line ends and the byte order mark do not count. */
function checksumOf(canonical: string): string {
  return String(crc32(Buffer.from(canonical.replaceAll("\n", ""), "utf8")) | 0);
}

/** The callbacks that `migrate` fires. Those of other commands (`beforeClean`, …) do not matter here. */
const CALLBACK =
  /^(?:(?:before|after)(?:Connect|Migrate|EachMigrate|EachMigrateStatement|Validate)|after(?:Migrate|EachMigrate|EachMigrateStatement|Validate)Error|beforeCreateSchema|createSchema|beforeRepeatables|afterVersioned|afterMigrateApplied|after(?:Migrate|Validate)OperationFinish)(?:__.*)?$/s;

function callbackProblem(folder: string, file: string, settings: FlywaySettings): Problem | null {
  const found = stemOf(file, settings);
  if (found === null || !CALLBACK.test(found.stem)) return null;
  const text = found.foreign ? " ?" : readText(join(folder, file), file);
  if (firstStatement(text) === text.length) return null;
  return refusedFile(
    file,
    "it is a callback, which Flyway would run at every migrate",
    "Put what it does into a migration (R__ runs again when it changes), or into the deployment; then remove the file.",
  );
}

/**
 * Finds the Java and Kotlin migrations that Maven and Gradle keep beside `src/main/resources/db/migration`. They share
 * its versions.
 */
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
