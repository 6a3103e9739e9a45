/**
 * What a Spring Boot application says to Flyway or Liquibase: `application.properties`, `.yml` or `.yaml` beside its
 * migrations or above them, and `SPRING_…` of the environment, which counts more. Files of a profile count where the profile is
 * known to be active. Nothing is run; a value that only the running application knows stays as it is written (`${…}`).
 */

import { basename, join } from "node:path";
import { ownRequire } from "../../host/own-files.ts";
import { isThere, readFolder } from "../folder.ts";
import { placesAbove } from "../layouts/above.ts";
import { parseProperties } from "../properties.ts";
import { readText } from "../text.ts";

export interface SpringValue {
  readonly text: string;
  /** As it is written, and in which file. */
  readonly key: string;
  readonly from: string;
}

export interface SpringSettings {
  /** There is such an application, and it starts the tool. */
  readonly starts: boolean;
  /** Names in small letters without dashes; what is below `placeholders` or `parameters` keeps its dashes. */
  readonly values: ReadonlyMap<string, SpringValue>;
  /** Files that say something for one profile, of which nobody knows whether it is active; and files that cannot be read. */
  readonly unclear: readonly { readonly from: string; readonly why: string }[];
}

interface Part {
  readonly from: string;
  readonly profile: string | null;
  readonly entries: readonly (readonly [key: string, value: string])[];
  readonly broken?: true;
}

const NONE: SpringSettings = { starts: false, values: new Map(), unclear: [] };

/** Empty where there is none, or where the application does not start the tool. Throws `SourceError` where a file cannot be read. */
export function springSettings(
  tool: "flyway" | "liquibase",
  {
    folder,
    environment,
    matters = () => false,
  }: {
    readonly folder: string;
    readonly environment: Readonly<Record<string, string | undefined>>;
    /** Whether a setting changes what is run: else a profile that says it is no question. */
    readonly matters?: (name: string) => boolean;
  },
): SpringSettings {
  const parts = partsFor(folder);
  if (parts.length === 0) return NONE;
  const said = parts.find(({ profile }) => profile === null)?.entries ?? [];
  const active =
    environment.SPRING_PROFILES_ACTIVE ?? said.find(([key]) => key === "spring.profiles.active")?.[1];
  const profiles = active?.split(",").map((each) => each.trim());
  const all = new Map<string, SpringValue>();
  const isOurs = (key: string, text: string) => {
    if (key.startsWith("spring.datasource."))
      return FROM_DATASOURCE.has(key) && (!key.endsWith("url") || currentSchemaOf(text) !== null);
    const name = key.startsWith(`spring.${tool}.`) ? key.slice(`spring.${tool}.`.length) : null;
    return name !== null && (name === "url" ? currentSchemaOf(text) !== null : matters(name));
  };
  const unclear = parts.flatMap(({ from, profile, broken, entries }) => {
    if (broken === true) return [{ from, why: "it cannot be read" }];
    const isOpen =
      profile !== null &&
      profiles === undefined &&
      entries.some(([key, text]) => isOurs(normal(key.replace(/\[\d+\]$/, "")), text));
    const why = `it speaks of ${tool} or of its database for the profile ${profile} alone, and nothing says whether that is active`;
    return isOpen ? [{ from, why }] : [];
  });
  for (const { from, profile, entries } of parts) {
    if (profile !== null && profiles?.includes(profile) !== true) continue;
    for (const [key, text] of listed(entries)) all.set(normal(key), { text, key, from });
  }
  for (const [name, text = ""] of Object.entries(environment))
    if (/^SPRING_(?:FLYWAY|LIQUIBASE|DATASOURCE)_/.test(name))
      all.set(ofEnvironment(name), { text, key: name, from: "the environment" });
  const own = new Map<string, SpringValue>();
  for (const [key, value] of all) {
    const name = key.startsWith(`spring.${tool}.`) ? key.slice(`spring.${tool}.`.length) : undefined;
    if (name !== undefined) own.set(name, { ...value, text: filled(value.text, { all, environment }) });
  }
  for (const [key, name] of FROM_DATASOURCE) {
    const value = all.get(key);
    if (value !== undefined && !own.has("url") && !own.has(name))
      own.set(name, { ...value, text: filled(value.text, { all, environment }) });
  }
  return own.get("enabled")?.text.toLowerCase() === "false" ? NONE : { starts: true, values: own, unclear };
}

/** The tool has the application's own connection, unless it was given another. */
const FROM_DATASOURCE: ReadonlyMap<string, string> = new Map([
  ["spring.datasource.hikari.schema", "jdbcproperties.currentschema"],
  ["spring.datasource.url", "url"],
]);

/** Of the nearest place that has one: what is for all profiles first. */
function partsFor(folder: string): readonly Part[] {
  for (const place of placesAbove(folder)) {
    const found = [place, join(place, "config")].filter(isThere).flatMap((at) =>
      readFolder(at)
        .map(({ name }) => name)
        .filter((name) => /^application(?:-[\w-]+)?\.(?:properties|ya?ml)$/.test(name))
        .sort()
        .flatMap((name) => partsOf(join(at, name))),
    );
    if (found.length === 0) continue;
    const common = found.filter(({ profile }) => profile === null);
    return [...common, ...found.filter(({ profile }) => profile !== null)];
  }
  return [];
}

function partsOf(path: string): readonly Part[] {
  const from = basename(path);
  const named = /^application-([\w-]+)\./.exec(from)?.[1] ?? null;
  const text = readText(path, from);
  const documents = from.endsWith(".properties")
    ? text.split(/^[#!]---[ \t]*$/m).map(parseProperties)
    : inYaml(text);
  if (documents === null) return [{ from, profile: named, entries: [], broken: true }];
  return documents.map((entries) => {
    const on = entries.find(([key]) => /^spring\.(?:config\.activate\.on-profile|profiles)$/.test(key))?.[1];
    return { from, profile: on ?? named, entries };
  });
}

/** `null`: it is none. */
function inYaml(text: string): readonly Part["entries"][] | null {
  // Required, not imported: only a project of Spring pays for it.
  const { parseAllDocuments }: typeof import("yaml") = ownRequire()("yaml");
  const documents = [...parseAllDocuments(text, { schema: "failsafe" })];
  if (documents.some(({ errors }) => errors.length > 0)) return null;
  return documents.map((document) => flat(document.toJS(), ""));
}

function flat(value: unknown, path: string): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  if (Array.isArray(value)) return value.flatMap((each, at) => flat(each, `${path}[${at}]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) => flat(each, path === "" ? key : `${path}.${key}`));
}

/** Entries of a list as one value. */
function listed(entries: Part["entries"]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [written, value] of entries) {
    const key = written.replace(/\[\d+\]$/, "");
    const before = key === written ? undefined : values.get(key);
    values.set(key, before === undefined ? value : `${before},${value}`);
  }
  return values;
}

const MAPS = /^(.*?\.(?:placeholders|parameters))\.(.*)$/i;

function normal(key: string): string {
  const [, map, name] = MAPS.exec(key) ?? [];
  if (map !== undefined) return `${normal(map)}.${name}`;
  return key.toLowerCase().replace(/[-_]/g, "");
}

function ofEnvironment(name: string): string {
  const [, front = "", map, rest = ""] =
    /^(SPRING_[A-Z]+)_(?:(PLACEHOLDERS|PARAMETERS|JDBCPROPERTIES|HIKARI)_)?(.*)$/.exec(name) ?? [];
  const key = `${front}.${map === undefined ? "" : `${map}.`}`.replace("_", ".").toLowerCase();
  return `${key}${rest.toLowerCase().replaceAll("_", "")}`;
}

interface VariablesAndSettings {
  readonly all: ReadonlyMap<string, SpringValue>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** A variable that has a value here; a default alone may not be what counts where the application runs. */
function filled(text: string, { all, environment }: VariablesAndSettings): string {
  return text.replace(/\$\{([\w.-]+)(?::[^{}]*)?\}/g, (written, name: string) => {
    const variable = name.toUpperCase().replaceAll(".", "_").replaceAll("-", "");
    return environment[name] ?? environment[variable] ?? all.get(normal(name))?.text ?? written;
  });
}

/** The schema that a JDBC address says names without one go into. */
export function currentSchemaOf(url: string): string | null {
  const [, value] = /[?&]currentSchema=([^&\s]*)/.exec(url) ?? [];
  if (value === undefined) return null;
  try {
    return firstSchema(decodeURIComponent(value));
  } catch {
    return firstSchema(value);
  }
}

export function firstSchema(list: string): string | null {
  return list.split(",")[0]?.trim().replaceAll('"', "") || null;
}
