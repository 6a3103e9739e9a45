/**
 * The revisions of an image as a list in JSON: for asking whether another image can live with a database, where its files
 * are not at hand. `godwit compatible --write` writes it, and the list of a bundle (`godwit-bundle.json`) holds the same.
 */
import type { Migration } from "../core/migration.ts";
import { ConfigError } from "../errors.ts";

/** A plain list of names, or what `godwit compatible --write` has written. Names alone tell less: no phase, no edit. */
export type ImageRevisions =
  | readonly (string | Migration)[]
  | { readonly migrations: readonly (string | Migration | { readonly migration: Migration })[] };

/** The file that `godwit compatible --write` writes. */
export interface RevisionList {
  readonly format: 1;
  readonly layout: string;
  readonly migrations: readonly Migration[];
}

/** A revision of which only the name may be known. */
export type Listed = string | Migration;

/** Throws `ConfigError` (`REVISIONS_UNREADABLE`) if it is no list of revisions, or an empty one. `name`: where it comes from. */
export function readRevisions(given: unknown, name: string): readonly Listed[] {
  const rows = Array.isArray(given) ? given : isRecord(given) ? given.migrations : undefined;
  if (isRecord(given) && (given.format ?? 1) !== 1)
    throw unreadable(name, `has the format ${JSON.stringify(given.format)}, which this Godwit does not know`);
  if (!Array.isArray(rows)) throw unreadable(name, "is no list of revisions");
  if (rows.length === 0) throw unreadable(name, "names no revision");
  return rows.map((row: unknown, index): Listed => {
    if (typeof row === "string" && row.trim() !== "") return row;
    const migration = isRecord(row) && isRecord(row.migration) ? row.migration : row;
    if (isMigration(migration)) return migration;
    throw unreadable(name, `has an entry ${index + 1} that is no revision`);
  });
}

const KINDS: readonly unknown[] = ["sql", "module", "repeatable"];

function isMigration(value: unknown): value is Migration {
  if (!isRecord(value)) return false;
  const { id, kind, number, file, revises, depends, phase, checksum, fingerprint, settings } = value;
  const isTextOrNull = (text: unknown) => text === null || typeof text === "string";
  return (
    [id, file, phase, checksum].every((text) => typeof text === "string" && text !== "") &&
    KINDS.includes(kind) &&
    isTextOrNull(number) &&
    isTextOrNull(fingerprint) &&
    (revises === null || Array.isArray(revises)) &&
    Array.isArray(depends) &&
    isRecord(settings)
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(name: string, what: string): ConfigError {
  return new ConfigError({
    code: "REVISIONS_UNREADABLE",
    message: `${name} ${what}.`,
    hint: 'In the other image, run: `godwit compatible --write revisions.json`. A list of names will do too: ["0001_shops", "0002_slugs"].',
  });
}
