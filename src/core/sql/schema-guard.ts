/**
 * A target that is one schema of its database must not outlive that schema: what its migrations make would land in the
 * next schema of the search path, and making the schema again would bring back what somebody has dropped.
 */
import { literal } from "./quote.ts";

/** Raised by the guard. */
export const SCHEMA_GONE_SQLSTATE = "GW003";

/**
 * A statement that raises unless the schema is there now. It looks past the snapshot of its transaction, and the name is
 * quoted by the server.
 */
export function schemaGuard(name: string): string {
  return block(raiseUnlessThere(name));
}

/** The guard in the place of `createSchema`, before tables are created in a schema that is not ours to make. */
export function requireSchema(name: string): string {
  // As there: one transaction at a time creates.
  const lock = `perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${literal(`godwit creates ${name}`)}, 0));`;
  return block(`${lock} ${raiseUnlessThere(name)}`);
}

function raiseUnlessThere(name: string): string {
  const message = `Schema "${name}" is not in the database any more.`;
  return `if pg_catalog.to_regnamespace(pg_catalog.quote_ident(${literal(name)})) is null then
    raise exception using errcode = '${SCHEMA_GONE_SQLSTATE}', message = ${literal(message)};
  end if;`;
}

/** A `DO` whose quotes are none of the body's, whatever a name in it holds. */
function block(body: string): string {
  let tag = "$guard$";
  for (let number = 1; body.includes(tag); number++) tag = `$guard${number}$`;
  return `do ${tag} begin ${body} end ${tag}`;
}
