/**
 * Reads what Flyway's own configuration says about its files. It is in `flyway.toml` or `flyway.conf`, beside the folder
 * or above it, and in `FLYWAY_…` variables, which take precedence. Names and placeholders are followed. A setting that
 * would make Flyway run other files, or run them in another way, is refused by name. Settings of connection, history and
 * validation are not read.
 */
import { join } from "node:path";
import type { Problem } from "../../errors.ts";
import { currentSchemaOf, firstSchema, type SpringSettings, springSettings } from "../detect/spring.ts";
import { isThere } from "../folder.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { placesAbove } from "./above.ts";
import type { LayoutOptions } from "./layout.ts";

export interface FlywaySettings {
  readonly prefixes: Readonly<Record<"V" | "R" | "B", string>>;
  readonly separator: string;
  readonly suffixes: readonly string[];
  readonly replaces: boolean;
  readonly placeholder: { readonly prefix: string; readonly suffix: string; readonly separator: string };
  /** The placeholders by name, in lower case. */
  readonly placeholders: ReadonlyMap<string, string>;
  readonly callbacks: boolean;
  /** Later versions do not run. `null`: all versions run. */
  readonly target: string | null;
  /** Versions up to this one are skipped if the database is not empty. */
  readonly baseline: string | null;
  /** The schema in which names without a schema are created. */
  readonly schema: string | null;
  readonly table: string;
  readonly problems: readonly Problem[];
}

interface Value {
  readonly text: string;
  /** The key as written, and the file that contains it. */
  readonly key: string;
  readonly from: string;
}

/** Throws `SourceError` if a file cannot be read. */
export function flywaySettings(folder: string, { environment }: LayoutOptions): FlywaySettings {
  const problems: Problem[] = [];
  const spring = springSettings("flyway", {
    ...{ folder, environment },
    matters: (name) => !WITHOUT_EFFECT.test(name),
  });
  const values = new Map<string, Value>([...spring.values].map(([key, value]) => [normal(key), value]));
  problems.push(...spring.unclear.map(ofSpring), ...unknownOfSpring(spring));
  for (const [from, text] of filesFor(folder)) {
    const entries = from.endsWith(".toml") ? parseToml(text) : parseConf(text);
    for (const { key, value } of entries) {
      if (value === null) problems.push(unreadable(from, key));
      else values.set(normal(key), { text: value, key, from });
    }
  }
  for (const [name, text] of Object.entries(environment)) {
    const key = /^FLYWAY_(.+)$/.exec(name)?.[1];
    if (key !== undefined && text !== undefined)
      values.set(normal(key.replace(/^(PLACEHOLDERS|JDBC_PROPERTIES)_/, (_, map) => `${map}.`)), {
        text,
        key: name,
        from: "the environment",
      });
  }
  const get = (key: string, fallback: string) => values.get(key)?.text ?? fallback;
  const isOn = (key: string, fallback: boolean) => get(key, `${fallback}`).toLowerCase() === "true";
  const suffixes = list(get("sqlmigrationsuffixes", ".sql"));
  const target = get("target", "latest");
  return {
    prefixes: {
      V: get("sqlmigrationprefix", "V"),
      R: get("repeatablesqlmigrationprefix", "R"),
      B: get("baselinemigrationprefix", "B"),
    },
    separator: get("sqlmigrationseparator", "__"),
    suffixes,
    replaces: isOn("placeholderreplacement", true),
    placeholder: {
      prefix: get("placeholderprefix", "${"),
      suffix: get("placeholdersuffix", "}"),
      separator: get("placeholderseparator", ":"),
    },
    placeholders: new Map(
      [...values].flatMap(([key, { text }]) =>
        key.startsWith("placeholders.") ? [[key.slice("placeholders.".length), text] as const] : [],
      ),
    ),
    callbacks: !isOn("skipdefaultcallbacks", false),
    target: target === "latest" ? null : target,
    baseline: isOn("baselineonmigrate", false) ? get("baselineversion", "1") : null,
    schema:
      get("defaultschema", list(get("schemas", ""))[0] ?? "") ||
      firstSchema(get("jdbcproperties.currentschema", "")) ||
      currentSchemaOf(get("url", "")),
    table: get("table", "flyway_schema_history"),
    problems: [...problems, ...[...values].flatMap(([key, value]) => refusedValue(key, value) ?? [])],
  };
}

const NAMES = ["flyway.conf", "conf/flyway.conf", "flyway.toml", "conf/flyway.toml", "flyway.user.toml"];

/** The files of the nearest folder that has one. A later file overrides an earlier one. */
function filesFor(folder: string): readonly (readonly [string, string])[] {
  for (const place of placesAbove(folder)) {
    const found = NAMES.filter((name) => isThere(join(place, name)));
    if (found.length > 0) return found.map((name) => [name, readText(join(place, name), name)]);
  }
  return [];
}

/** The name of a placeholder keeps its own characters. */
function normal(key: string): string {
  const [first = "", ...rest] = key.replace(/^flyway\./i, "").split(".");
  const own = first.toLowerCase().replace(/[_-]/g, "");
  return rest.length === 0 ? own : `${own}.${rest.join(".").toLowerCase()}`;
}

function list(text: string): readonly string[] {
  return text
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}

/** Settings that would change the run, each with the values that do not. */
const HARMLESS: Readonly<Record<string, RegExp>> = {
  encoding: /^utf-?8$/i,
  cherrypick: /^$/,
  initsql: /^$/,
  resolvers: /^$/,
  callbacks: /^$/,
  callbacklocations: /^$/,
  initsqls: /^$/,
  executeintransaction: /^true$/i,
  detectencoding: /^false$/i,
  skipdefaultresolvers: /^false$/i,
  skipexecutingmigrations: /^false$/i,
  locations: /^[^,]*$/,
};

/** Of Spring's names for its settings, those that change nothing here. */
const WITHOUT_EFFECT = new RegExp(
  `^(?:${[
    ...["enabled", "user", "password", "driverclassname", "checklocation", "failonmissinglocations"],
    ...[
      "connectretries(?:interval)?",
      "lockretrycount",
      "createschemas",
      "baselinedescription",
      "installedby",
    ],
    ...["outoforder", "group", "mixed", "stream", "batch", "tablespace", "validate.*", "cleandisabled"],
    ...["ignoremigrationpatterns", "scriptplaceholder(?:prefix|suffix)", "undosqlmigrationprefix", "loggers"],
    ...["outputqueryresults", "licensekey", "kerberosconfigfile", "communitydbsupportenabled"],
    ...["postgresql\\.transactionallock", "jdbcproperties\\..*"],
  ].join("|")})$`,
);

const READ = new Set([
  ...[
    "sqlmigrationprefix",
    "repeatablesqlmigrationprefix",
    "baselinemigrationprefix",
    "sqlmigrationseparator",
  ],
  ...["sqlmigrationsuffixes", "placeholderreplacement", "placeholderprefix", "placeholdersuffix", "url"],
  ...["placeholderseparator", "skipdefaultcallbacks", "target", "baselineonmigrate", "baselineversion"],
  ...["defaultschema", "schemas", "table"],
]);

/** Settings of a Spring application that are not known, and values that only the running application knows. */
function unknownOfSpring({ values }: SpringSettings): readonly Problem[] {
  return [...values].flatMap(([key, { text, key: written, from }]): Problem[] => {
    const isRead = READ.has(key) || key in HARMLESS || key.startsWith("placeholders.");
    if (!isRead && !WITHOUT_EFFECT.test(key))
      return [ofSpring({ from, why: `it says ${written}=${text}, and that is not known here` })];
    const counts = key === "url" ? (currentSchemaOf(text) ?? "") : text;
    return isRead && counts.includes("${")
      ? [ofSpring({ from, why: `only the running application knows the value of ${written}` })]
      : [];
  });
}

function ofSpring({ from, why }: { readonly from: string; readonly why: string }): Problem {
  return layoutRefused("flyway", {
    folder: from,
    why,
    hint: "Say it in the environment (SPRING_PROFILES_ACTIVE=<profile>, SPRING_FLYWAY_…=<value>), or take it out of the file.",
  });
}

function refusedValue(key: string, { text, key: written, from }: Value): Problem | null {
  const harmless = HARMLESS[key]?.test(text.trim()) ?? true;
  if (harmless) return null;
  return layoutRefused("flyway", {
    folder: from,
    why: `it says ${written}=${text}, and that is not done here`,
    hint: "Take it out and do what it does in another way. What Flyway has run with it is then taken over with `godwit adopt`.",
  });
}

function unreadable(from: string, key: string): Problem {
  return layoutRefused("flyway", {
    folder: from,
    why: `the value of ${key} is neither a text, a number, true or false, nor a list of these on one line`,
    hint: "Write it in one of these forms.",
  });
}

interface Entry {
  readonly key: string;
  readonly value: string | null;
}

function parseConf(text: string): readonly Entry[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [, key, value = ""] = /^[ \t]*([^#!=\s][^=\s]*)[ \t]*=(.*)$/.exec(line) ?? [];
    return key === undefined ? [] : [{ key, value: value.trim() }];
  });
}

/** What the connection says about the files; of the one that counts where nothing else is said. */
const ENVIRONMENT = /^environments\.default\.(?:url|schemas|initSql|jdbcProperties\.currentSchema)$/;

/** As much of TOML as it takes: `[flyway]` and what is below it, with simple values. */
function parseToml(text: string): readonly Entry[] {
  let table = "";
  return text.split(/\r?\n/).flatMap((line): readonly Entry[] => {
    const section = /^[ \t]*\[+[ \t]*([^\]]+?)[ \t]*\]+/.exec(line)?.[1];
    if (section !== undefined) table = section.replaceAll('"', "");
    const [, key, value = ""] = /^[ \t]*("[^"]*"|[\w.-]+)[ \t]*=[ \t]*(.*)$/.exec(line) ?? [];
    if (section !== undefined || key === undefined) return [];
    const path = `${table === "" ? "" : `${table}.`}${key.replaceAll('"', "")}`;
    const own = path.replace(/^environments\.default\./, "flyway.");
    const isRead = path.startsWith("flyway.") || ENVIRONMENT.test(path);
    return isRead ? [{ key: own, value: tomlValue(value) }] : [];
  });
}

function tomlValue(written: string): string | null {
  const plain = String.raw`"(?:[^"\\]|\\.)*"|'[^']*'|[\w.+-]+`;
  const one = new RegExp(String.raw`^(${plain})[ \t]*(?:#.*)?$`).exec(written)?.[1];
  if (one !== undefined) return unquoted(one);
  const inside = /^\[([^\]]*)\][ \t]*(?:#.*)?$/.exec(written)?.[1];
  if (inside === undefined) return null;
  return (inside.match(new RegExp(plain, "g")) ?? []).map(unquoted).join(",");
}

function unquoted(text: string): string {
  if (text.startsWith("'")) return text.slice(1, -1);
  return text.startsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, "$1") : text;
}
