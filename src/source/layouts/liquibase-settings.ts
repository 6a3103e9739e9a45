/**
 * `liquibase.properties`, beside the changelog or above it. It gives the root changelog's name for the tool, which
 * determines the names in the tool's history, and the values of properties. Its connection settings are not used.
 */
import { basename, join } from "node:path";
import { isThere } from "../folder.ts";
import { readText } from "../text.ts";
import { placesAbove } from "./above.ts";
import type { Property } from "./liquibase-properties.ts";

export interface LiquibaseSettings {
  /** The name of the root changelog in the folder, and its name in the tool's history. */
  readonly root: { readonly name: string; readonly known: string } | null;
  readonly parameters: readonly Property[];
}

const NAME = "liquibase.properties";

/** Throws `SourceError` if the file cannot be read. */
export function settingsFor(folder: string): LiquibaseSettings {
  const places = placesAbove(folder);
  const place = places.find((each) => isThere(join(each, NAME)));
  if (place === undefined) return { root: null, parameters: [] };
  const entries = parseProperties(readText(join(place, NAME), NAME));
  const file = entries.find(([key]) => /(?:^|\.)changelog-?file$/i.test(key))?.[1];
  return {
    root: file === undefined ? null : rootIn(folder, file, places),
    parameters: entries.flatMap(([key, value]) =>
      key.startsWith("parameter.") ? [{ name: key.slice("parameter.".length), value }] : [],
    ),
  };
}

function rootIn(folder: string, file: string, places: readonly string[]): LiquibaseSettings["root"] {
  const known = file
    .replace(/^classpath:/, "")
    .replaceAll("\\", "/")
    .replace(/^\.?\/+/, "");
  const path = join(folder, basename(known));
  return isThere(path) && places.some((place) => join(place, known) === path)
    ? { name: basename(known), known }
    : null;
}

/** Java's format: `#` and `!` start comments, and a `\` at the end continues a line. */
function parseProperties(text: string): readonly (readonly [string, string])[] {
  return text
    .replace(/\\\r?\n[ \t]*/g, "")
    .split(/\r?\n/)
    .flatMap((line) => {
      const [, key, value = ""] = /^[ \t]*([^#!:=\s][^:=\s]*)[ \t]*[:=]?[ \t]*(.*)$/.exec(line) ?? [];
      return key === undefined ? [] : [[key, value.trim().replace(/\\(.)/g, "$1")] as const];
    });
}
