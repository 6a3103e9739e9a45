/**
 * Names that end up in the server. It cuts every name after 63 bytes and says nothing: two names with the same beginning
 * become one, and one of two tenants is migrated in the place of the other. So a longer name is refused before it is used.
 */
import type { Problem } from "../../errors.ts";
import type { Config } from "../config.ts";

/** `NAMEDATALEN - 1`, in bytes. */
const MOST_BYTES = 63;

/** Counted in UTF-8, in which no encoding that matters takes fewer bytes. */
function isTooLong(name: string): boolean {
  return Buffer.byteLength(name) > MOST_BYTES;
}

/** What the server calls its own, besides the configured names. */
export interface AddressNames {
  readonly database: string;
  readonly user: string;
}

/** Everything that is too long, of a target or of the one database. */
export function nameProblems(config: Config, address: AddressNames | null = null): readonly Problem[] {
  const { values, target, imports } = config;
  const names: (readonly [what: string, name: string | null | undefined])[] = [
    ["ledgerSchema", values.ledgerSchema],
    ["role", values.role],
    ["the schema", target?.schema],
    ["the database of the URL", address?.database],
    ["the user of the URL", address?.user],
    ...schemasOf(values.searchPath ?? "").map((name) => ["searchPath", name] as const),
    ...partsOf(values.mirror?.slice(values.mirror.indexOf(":") + 1) ?? "").map(
      (name) => ["mirror", name] as const,
    ),
    ...imports.flatMap(({ name, table }) =>
      partsOf(table.name).map((part) => [`imports.${name}.table`, part] as const),
    ),
  ];
  const of = target === null ? "" : ` of target ${target.name}`;
  return names.flatMap(([what, name]): readonly Problem[] => {
    if (name == null || !isTooLong(name)) return [];
    return [
      {
        code: "CONFIG_INVALID",
        message: `The name "${name}" (${what}${of}) has ${Buffer.byteLength(name)} bytes, and the server cuts names after ${MOST_BYTES}.`,
        hint: "Choose a shorter name. Nothing was changed.",
        details: { name, bytes: Buffer.byteLength(name) },
      },
    ];
  });
}

/** The entries of a search path. */
export function schemasOf(searchPath: string): readonly string[] {
  return [...searchPath.matchAll(/"((?:[^"]|"")*)"|([^\s,"][^,"]*)/g)].map(([, quoted, plain = ""]) =>
    quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'),
  );
}

/** The parts of `schema.table`. */
function partsOf(name: string): readonly string[] {
  return [...name.matchAll(/"((?:[^"]|"")*)"|([^."]+)/g)].map(([, quoted, plain = ""]) =>
    quoted === undefined ? plain : quoted.replaceAll('""', '"'),
  );
}
