/**
 * Who owns what files make on a scratch server, where they do not say it: whoever owns it in the state that is compared.
 *
 * An object belongs to the role that makes it, and whoever compares need not be the role that has migrated.
 */
import { literal, quotedName } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import { ownerStatement } from "../diff/before.ts";
import { bareName } from "../diff/change.ts";
import { carriedTogether, portionsOf } from "../diff/together.ts";
import { DatabaseError } from "../errors.ts";
import { byIdentity } from "../schema/compare.ts";
import { identity, type SchemaSnapshot } from "../schema/snapshot.ts";
import { ensureRoles } from "./scratch-roles.ts";

export interface Owners {
  readonly made: SchemaSnapshot;
  /** What it is compared with. */
  readonly other: SchemaSnapshot;
  /** The roles that have made it: what one of them owns nobody has given to it. */
  readonly makers: readonly string[];
  /** Who owns what only the files have. Default: whoever has made it. */
  readonly ofNew?: string;
}

/**
 * `connection`: of a superuser. What cannot be given to another owner stays what it is, and differs. `false`: all belongs to whom
 * it should, and nothing was changed.
 */
export async function giveOwners(
  connection: Connection,
  { made, other, makers, ofNew }: Owners,
): Promise<boolean> {
  const own = new Set(makers);
  const others = byIdentity(other);
  const given = made.objects.flatMap((object) => {
    const { owner } = object.attributes;
    if (typeof owner !== "string" || !own.has(bareName(owner))) return [];
    const there = others.get(identity(object));
    const to = there === undefined ? ofNew && quotedName(ofNew) : there.attributes.owner;
    return typeof to === "string" && bareName(to) !== bareName(owner) ? [{ object, to }] : [];
  });
  if (given.length === 0) return false;
  await ensureRoles(
    connection,
    given.map(({ to }) => bareName(to)),
  );
  // A sequence of a column follows its table, and has its owner by then.
  const isLate = ({ object: { kind } }: (typeof given)[number]) => Number(kind === "sequence");
  const texts = given
    .sort((a, b) => isLate(a) - isLate(b))
    .flatMap(({ object, to }) => {
      const { kind, name } = object;
      return (kind === "extension" ? extensionOwner(name, to) : ownerStatement(object, to)) ?? [];
    });
  for (const portion of portionsOf(texts, () => true)) {
    if (await carriedTogether(connection, portion)) continue;
    for (const text of portion)
      await connection.execute(text).catch((error: unknown) => {
        if (!(error instanceof DatabaseError) || connection.lost.aborted) throw error;
      });
  }
  return true;
}

/** PostgreSQL has no statement for it. */
function extensionOwner(name: string, to: string): string {
  return `set allow_system_table_mods = on; update pg_catalog.pg_extension set extowner = ${literal(to)}::pg_catalog.regrole
    where extname = ${literal(bareName(name))}; reset allow_system_table_mods`;
}
