/**
 * Guards a target that is one schema of its database. Once that schema is dropped, migrations would create their objects
 * in the next schema of the search path. Creating the schema again would restore what somebody has dropped.
 */
import { dollarBlock } from "./dollar-block.ts";
import { literal } from "./quote.ts";

/** The SQLSTATE that the guard raises. */
export const SCHEMA_GONE_SQLSTATE = "GW003";

/**
 * A statement that raises an error unless the schema exists now. It looks past the snapshot of its transaction. The
 * server quotes the name.
 */
export function schemaGuard(name: string): string {
  return dollarBlock(raiseUnlessThere(name));
}

/** Replaces `createSchema` before tables are created in a schema that is not ours to create. */
export function requireSchema(name: string): string {
  // As in `createSchema`, one transaction at a time creates.
  const lock = `perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${literal(`godwit creates ${name}`)}, 0));`;
  return dollarBlock(`${lock} ${raiseUnlessThere(name)}`);
}

function raiseUnlessThere(name: string): string {
  const message = `Schema "${name}" is not in the database any more.`;
  return `if pg_catalog.to_regnamespace(pg_catalog.quote_ident(${literal(name)})) is null then
    raise exception using errcode = '${SCHEMA_GONE_SQLSTATE}', message = ${literal(message)};
  end if;`;
}
