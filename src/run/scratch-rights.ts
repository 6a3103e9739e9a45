/** Gives a scratch server the role that migrations run as; what it may do is said in `rehearsal/rights.ts`. */
import { identifier, literal } from "../core/sql/quote.ts";
import type { Scratch } from "../database/embedded/scratch.ts";
import { adopted, MIGRATOR, SUPERUSER } from "../rehearsal/rights.ts";

/** Before, settings cannot be granted one by one, and a migration may need any of them. */
const GRANTS_SETTINGS = 15;

/** Who migrations run as. `undefined`: the superuser, because the server is too old to limit it. */
export function migratorOf({ major }: Pick<Scratch, "major">): string | undefined {
  return major < GRANTS_SETTINGS ? undefined : MIGRATOR;
}

/** Makes the role, by which nothing is limited yet. */
export async function makeMigrator(scratch: Scratch): Promise<void> {
  if (migratorOf(scratch) === undefined) return;
  await using connection = await scratch.open(SUPERUSER);
  const { rows } = await connection.query("select from pg_catalog.pg_roles where rolname = $1", [MIGRATOR]);
  if (rows.length > 0) return;
  const password = literal(decodeURIComponent(new URL(scratch.urlOf(SUPERUSER)).password));
  const who = identifier(MIGRATOR);
  const texts = [`create role ${who} login createdb createrole bypassrls password ${password}`, SETTINGS];
  if (scratch.major >= 16) texts.push(`alter role ${who} set createrole_self_grant = 'set, inherit'`);
  await connection.execute(texts.join(";\n"));
}

/**
 * Makes every role but the server's own superuser as limited as the one of migrations. The database has all that is to be copied.
 * `role`: the one that runs change to. May be called again when there are more roles.
 */
export async function limitRights(
  scratch: Scratch,
  { database, role = null }: { readonly database: string; readonly role?: string | null },
): Promise<void> {
  if (migratorOf(scratch) === undefined) return;
  await makeMigrator(scratch);
  const members = role === null || role === SUPERUSER ? [MIGRATOR] : [MIGRATOR, role];
  const texts = [
    adopted(members),
    ...members.map((member) => predefined(scratch.major, member)),
    `alter database ${identifier(database)} owner to ${identifier(MIGRATOR)}`,
    OWN_FUNCTIONS,
    OF_SUPERUSERS,
  ];
  await using connection = await scratch.open(database);
  await connection.execute(texts.join(";\n"));
}

/** What reads and keeps order, and nothing that reaches files, programs or other sessions. */
function predefined(major: number, member: string): string {
  const roles = ["pg_read_all_data", "pg_write_all_data", "pg_monitor", "pg_checkpoint"];
  return `grant ${[...roles, ...(major >= 17 ? ["pg_maintain"] : [])].join(", ")} to ${identifier(member)}`;
}

/** What a superuser may set in a session. */
const SETTINGS = `do $godwit$ declare one text; begin
  for one in select name from pg_catalog.pg_settings where context = 'superuser' loop
    execute pg_catalog.format('grant set on parameter %I to public', one);
  end loop;
end $godwit$`;

/** A function with the rights of its owner would have those of the superuser. */
const OWN_FUNCTIONS = `do $godwit$ declare one regprocedure; begin
  for one in select p.oid from pg_catalog.pg_proc p join pg_catalog.pg_roles r on r.oid = p.proowner
    where p.prosecdef and p.oid >= 16384 and r.rolsuper
  loop
    execute pg_catalog.format('alter routine %s owner to ${identifier(MIGRATOR)}', one);
  end loop;
end $godwit$`;

/** Functions of the server that not everybody may call. The superuser owns them, and may still; its members no longer. */
const OF_SUPERUSERS = `do $godwit$ declare one regprocedure; begin
  for one in select p.oid from pg_catalog.pg_proc p
    where p.oid < 16384 and p.proacl is not null and p.proowner = 10 and not exists (
      select from pg_catalog.aclexplode(p.proacl) a where a.grantee = 0 and a.privilege_type = 'EXECUTE')
  loop
    execute pg_catalog.format('revoke execute on routine %s from ${identifier(SUPERUSER)}', one);
  end loop;
end $godwit$`;
