/**
 * The rights of migrations on a scratch server. They run as a role that is no superuser: whatever a function or a block calls,
 * files, programs and other sessions of the machine are out of its reach. It is a member of all other roles, so it owns
 * everything, and it may set what a superuser may set.
 *
 * What needs more and only makes an object of the database is done by the superuser of the server. The rest is not rehearsed.
 */
import { accept, acceptName } from "../core/sql/cursor.ts";
import { literal } from "../core/sql/quote.ts";

/** The role that migrations run as. */
export const MIGRATOR = "godwit_migrator";
/** The superuser of every scratch server. */
export const SUPERUSER = "postgres";

/** Statements that only a superuser may carry out. They call nothing of the user's, and reach nothing but the server's catalog. */
export function mayBeElevated(text: string): boolean {
  return ELEVATED.some((words) => accept({ text, at: 0 }, ...words.split(" "))) || changesOwner(text);
}

/** And nothing else: a table may have other actions beside it. */
function changesOwner(text: string): boolean {
  if (!accept({ text, at: 0 }, "alter") || !OWNER.test(text.replace(/;?\s*$/, ""))) return false;
  return !accept({ text, at: 0 }, "alter", "table") || !text.includes(",");
}

const OWNER = /\sowner\s+to\s+\S+$/i;

const ELEVATED = [
  ...["create extension", "alter extension", "drop extension"],
  ...["create event trigger", "alter event trigger", "drop event trigger"],
  ...["create language", "create trusted language", "create or replace language"],
  ...["create or replace trusted language", "create cast", "create type", "create aggregate"],
  ...["create operator class", "create operator family", "alter operator class", "alter operator family"],
  ...["create access method", "create text search parser", "create text search template"],
  ...["create publication", "alter publication", "create role", "create user", "create group"],
  ...["alter role", "alter user", "alter group", "drop role", "drop user", "drop group"],
  ...["alter database", "alter default privileges", "grant", "revoke", "comment on", "security label"],
  ...["drop owned", "reassign owned", "lock"],
];

/** Whether a statement makes the superuser its role, which owns nothing that the role of migrations does not own. */
export function becomesSuperuser(text: string): boolean {
  const cursor = { text, at: 0 };
  if (!accept(cursor, "set")) return false;
  if (!accept(cursor, "session")) accept(cursor, "local");
  return accept(cursor, "role") && acceptName(cursor)?.name === SUPERUSER;
}

/** Whether it changes the role, and may be refused. */
export function changesRole(text: string): boolean {
  const cursor = { text, at: 0 };
  if (!accept(cursor, "set")) return false;
  if (!accept(cursor, "session", "session")) accept(cursor, "session");
  accept(cursor, "local");
  return accept(cursor, "role") || accept(cursor, "authorization");
}

/** Roles become as limited as the one of migrations, and those who run migrations become members of them. As superuser. */
export function adopted(members: readonly string[]): string {
  const names = members.map((member) => literal(member)).join(", ");
  return `do $godwit$ declare one text; who text; begin
  for one in select rolname from pg_catalog.pg_roles where rolsuper and oid <> 10 loop
    execute pg_catalog.format('alter role %I nosuperuser createdb createrole bypassrls', one);
  end loop;
  foreach who in array array[${names}]::pg_catalog.text[] loop
    for one in select r.rolname from pg_catalog.pg_roles r
      where r.rolname !~ '^pg_' and r.rolname <> who and r.rolname <> ${literal(MIGRATOR)}
        and not exists (select from pg_catalog.pg_auth_members m where m.roleid = r.oid and m.member = who::pg_catalog.regrole)
    loop
      begin
        execute pg_catalog.format('grant %I to %I', one, who);
      exception when invalid_grant_operation then null; -- the other one is a member of it
      end;
    end loop;
  end loop;
end $godwit$`;
}

/** Whether somebody is to be adopted. */
export const STRANGERS = `select count(*)::int as count from pg_catalog.pg_roles r
  where r.rolname !~ '^pg_' and r.rolname <> ${literal(MIGRATOR)}
    and not exists (select from pg_catalog.pg_auth_members m
      where m.roleid = r.oid and m.member = (select oid from pg_catalog.pg_roles where rolname = ${literal(MIGRATOR)}))`;
