/**
 * Checks the length of names. The server silently cuts every name after 63 bytes. Then two names with the same
 * beginning become one, and one tenant is migrated in place of another. So a longer name is refused before it is
 * used.
 */
import type { Problem } from "../../errors.ts";
import type { Config } from "../config.ts";

/** The longest name, in bytes: `NAMEDATALEN - 1`. */
const MOST_BYTES = 63;

/** Whether the server would cut the name. Bytes are counted in UTF-8. */
function isTooLong(name: string): boolean {
  return Buffer.byteLength(name) > MOST_BYTES;
}

/** Names from the address, in addition to the configured ones. */
export interface AddressNames {
  readonly database: string;
  readonly user: string;
}

/** A problem for each name that is too long, of a target or of the only database. */
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

/** The schemas in a search path. */
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
