/**
 * `liquibase.properties`, beside the changelog or above it. It gives the root changelog's name for the tool, which
 * determines the names in the tool's history, and the values of properties. Its connection settings are not used.
 */
import { basename, join } from "node:path";
import type { Problem } from "../../errors.ts";
import { currentSchemaOf, springSettings } from "../detect/spring.ts";
import { isThere } from "../folder.ts";
import { layoutRefused } from "../problems.ts";
import { parseProperties } from "../properties.ts";
import { readText } from "../text.ts";
import { placesAbove } from "./above.ts";
import type { LayoutOptions } from "./layout.ts";
import type { Property } from "./liquibase-properties.ts";

export interface LiquibaseSettings {
  /** The name of the root changelog in the folder, and its name in the tool's history. */
  readonly root: { readonly name: string; readonly known: string } | null;
  readonly parameters: readonly Property[];
  readonly problems: readonly Problem[];
}

const NAME = "liquibase.properties";
/** The root changelog of Spring Boot, unless its settings name another one. */
const ROOT_OF_SPRING = "classpath:/db/changelog/db.changelog-master.yaml";

/** Throws `SourceError` where a file cannot be read. */
export function settingsFor(folder: string, options: LayoutOptions): LiquibaseSettings {
  const { environment } = options;
  const places = placesAbove(folder);
  const place = places.find((each) => isThere(join(each, NAME)));
  const entries = place === undefined ? [] : parseProperties(readText(join(place, NAME), NAME));
  const spring = springSettings("liquibase", {
    ...{ folder, environment },
    matters: (name) => READ_OF_SPRING.test(name) || !KNOWN_OF_SPRING.test(name),
  });
  const said = (pattern: RegExp, ...variables: readonly string[]): GivenSetting | null => {
    const variable = variables.find((name) => environment[name]);
    if (variable !== undefined)
      return { value: environment[variable] ?? "", key: variable, from: "the environment" };
    const [key, value] = entries.find(([each]) => pattern.test(each)) ?? [];
    return key === undefined || value === undefined ? null : { value, key, from: NAME };
  };
  const ofSpring = (key: string): GivenSetting | null => {
    const value = spring.values.get(key);
    return value === undefined ? null : { value: value.text, key: value.key, from: value.from };
  };
  const file =
    said(/(?:^|\.)changelog-?file$/i)?.value ??
    ofSpring("changelog")?.value ??
    (spring.starts ? ROOT_OF_SPRING : undefined);
  const schema =
    said(
      /(?:^|\.)default-?schema-?name$/i,
      "LIQUIBASE_COMMAND_DEFAULT_SCHEMA_NAME",
      "LIQUIBASE_DEFAULT_SCHEMA_NAME",
    ) ??
    currentSchemaIn(said(/^(?:liquibase\.command\.)?url$/i, "LIQUIBASE_COMMAND_URL")) ??
    ofSpring("defaultschema") ??
    ofSpring("jdbcproperties.currentschema") ??
    currentSchemaIn(ofSpring("url"));
  const encoding = said(/(?:^|\.)file-?encoding$/i, "LIQUIBASE_FILE_ENCODING");
  return {
    root: file === undefined ? null : rootIn(folder, file, places),
    parameters: [
      ...entries.flatMap(([key, value]) =>
        key.startsWith("parameter.") ? [{ name: key.slice("parameter.".length), value }] : [],
      ),
      ...[...spring.values].flatMap(([key, { text }]) =>
        key.startsWith("parameters.") ? [{ name: key.slice("parameters.".length), value: text }] : [],
      ),
    ],
    problems: [
      ...otherSchema(schema, options),
      ...(encoding === null || /^utf-?8$/i.test(encoding.value) ? [] : [otherEncoding(encoding)]),
      ...spring.unclear.map(({ from, why }) => unknownOfSpring(from, why)),
      ...[...spring.values].flatMap(([key, { text, key: written, from }]) => {
        if (KNOWN_OF_SPRING.test(key) && !(READ_OF_SPRING.test(key) && text.includes("${"))) return [];
        if (/^(?:dropfirst|testrollbackonupdate)$/.test(key) && /^false$/i.test(text)) return [];
        const why = KNOWN_OF_SPRING.test(key)
          ? `only the running application knows the value of ${written}`
          : `it says ${written}=${text}, and that is not done here`;
        return [unknownOfSpring(from, why)];
      }),
    ],
  };
}

interface GivenSetting {
  readonly value: string;
  readonly key: string;
  readonly from: string;
}

const READ_OF_SPRING =
  /^(?:changelog|defaultschema|liquibaseschema|databasechangelogtable|jdbcproperties\.currentschema|parameters\..*)$/;
/** Conditions of changesets are refused where they stand, whatever is asked for here. */
const KNOWN_OF_SPRING = new RegExp(
  `${READ_OF_SPRING.source}|^(?:contexts?|labels?|labelfilter|liquibasetablespace|databasechangeloglocktable|enabled|user|password|url|driverclassname|rollbackfile|clearchecksums|showsummary.*|uiservice|tag|analyticsenabled|licensekey)$`,
);

function currentSchemaIn(url: GivenSetting | null): GivenSetting | null {
  const value = url === null ? null : currentSchemaOf(url.value);
  return url === null || value === null ? null : { ...url, value };
}

/** Names without a schema go where Liquibase puts them only with a search_path of our own. */
function otherSchema(said: GivenSetting | null, { searchPath }: LayoutOptions): readonly Problem[] {
  if (said === null || searchPath === undefined) return [];
  const [first = "public"] = searchPath ?? [];
  if (first.toLowerCase() === said.value.toLowerCase()) return [];
  const schema = said.value;
  return [
    layoutRefused("liquibase", {
      folder: said.from,
      why: `it runs the files in the schema ${schema} (${said.key}), and here names without a schema go into ${first}`,
      hint: `Say searchPath: "${schema}" in the configuration (--search-path ${schema}).`,
    }),
  ];
}

function otherEncoding({ key, value, from }: GivenSetting): Problem {
  return layoutRefused("liquibase", {
    folder: from,
    why: `it says ${key}=${value}, and only UTF-8 is read`,
    hint: "Convert the files, and take the line out.",
  });
}

function unknownOfSpring(from: string, why: string): Problem {
  return layoutRefused("liquibase", {
    folder: from,
    why,
    hint: "Say it in the environment (SPRING_PROFILES_ACTIVE=<profile>, SPRING_LIQUIBASE_…=<value>), or take it out of the file.",
  });
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
