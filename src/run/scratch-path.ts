/** Names without a schema mean on a scratch server what they mean on the target: a role or a database may have a `search_path` of its own. */
import { identifier, literal } from "../core/sql/quote.ts";
import type { Connection } from "../database/connection.ts";
import type { Scratch } from "../database/embedded/scratch.ts";

/** What sessions of the role begin with. */
export async function searchPathOf(live: Connection, role: string): Promise<string> {
  const { rows } = await live.query<{ readonly path: string | null }>(
    role === live.server.user ? OWN : OF_ANOTHER,
    role === live.server.user ? [] : [role],
  );
  // On the scratch server another user may ask.
  return (rows[0]?.path ?? DEFAULT).replaceAll('"$user"', identifier(role));
}

const DEFAULT = '"$user", public';

/** With what the address of the database asks for. */
const OWN = "select reset_val as path from pg_catalog.pg_settings where name = 'search_path'";

const OF_ANOTHER = `select pg_catalog.substr(c, 13) as path
  from pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) c
  where c like 'search_path=%'
    and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
    and s.setrole in (0, (select oid from pg_catalog.pg_roles where rolname = $1))
  order by s.setrole <> 0 desc, s.setdatabase <> 0 desc limit 1`;

/** Sessions of the role in this database begin with it, and go back to it by RESET. */
export async function giveSearchPath(
  scratch: Pick<Scratch, "open">,
  { database, role, path }: { readonly database: string; readonly role: string; readonly path: string },
): Promise<void> {
  await using connection = await scratch.open(database);
  await connection.execute(
    `begin; select pg_catalog.set_config('search_path', ${literal(path)}, true);
     alter role ${identifier(role)} in database ${identifier(database)} set search_path from current; commit`,
  );
}
