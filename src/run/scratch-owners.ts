/**
 * Who owns what migrations make on a scratch server, where they do not say it: whoever owns it in the state that is compared.
 *
 * An object belongs to the role that makes it, and a role that looks for drift need not be one that has migrated.
 */
import { literal, quotedName } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { ownerStatement } from "../diff/before.ts";
import { bareName } from "../diff/change.ts";
import { DatabaseError } from "../errors.ts";
import { byIdentity } from "../schema/compare.ts";
import { identity, type SchemaSnapshot } from "../schema/snapshot.ts";
import { ensureRoles } from "./scratch-roles.ts";

export interface Owners {
  readonly made: SchemaSnapshot;
  /** What it is compared with. */
  readonly other: SchemaSnapshot;
  /** The roles that have migrated there: what one of them owns nobody has given to it. */
  readonly makers: readonly string[];
}

/** `connection`: of a superuser. What cannot be given to another owner stays what it is, and differs. */
export async function giveOwners(connection: Connection, { made, other, makers }: Owners): Promise<void> {
  const written = new Set(makers.flatMap((name) => [name, quotedName(name)]));
  const others = byIdentity(other);
  const given = made.objects.flatMap((object) => {
    const { owner } = object.attributes;
    const to = others.get(identity(object))?.attributes.owner;
    const isOther = typeof owner === "string" && written.has(owner) && typeof to === "string" && to !== owner;
    return isOther ? [{ object, to }] : [];
  });
  await ensureRoles(
    connection,
    given.map(({ to }) => bareName(to)),
  );
  for (const { object, to } of given) {
    const text = object.kind === "extension" ? extensionOwner(object.name, to) : ownerStatement(object, to);
    if (text !== null) await connection.execute(text).catch(ofItsTable);
  }
}

/** A sequence of a column follows its table. */
function ofItsTable(error: unknown): void {
  if (!(error instanceof DatabaseError)) throw error;
}

/** PostgreSQL has no statement for it. */
function extensionOwner(name: string, to: string): string {
  return `set allow_system_table_mods = on; update pg_catalog.pg_extension set extowner = ${literal(to)}::pg_catalog.regrole
    where extname = ${literal(bareName(name))}; reset allow_system_table_mods`;
}
