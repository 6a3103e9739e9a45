/**
 * What a ledger on Supabase has besides, because its operators work on its tables by hand. A row that a person deletes from
 * the history is a wish: the file is to run again. A trigger logs it as forgotten. What a restore loses is no such wish, because
 * no row is deleted then, and it stays damage.
 *
 * The trigger looks when the transaction ends. By then the run's own deletes have their new row or their event in the log.
 */
import { identifier, literal, quotedName } from "../core/sql/quote.ts";
import { type LedgerTables, lastEvents } from "./damage-sql.ts";

/** In the details of the log's event. */
const BY_HAND = `{"by": "hand"}`;

/** All of it may run again at any time. `tables`: the quoted names of those in `schema`. */
export function guardByHand(schema: string, tables: LedgerTables): string {
  const forget = `${identifier(schema)}.migration_history_deleted`;
  const { migration_history: history, migration_log: log, migration_statements: statements } = tables;
  const trigger = `pg_catalog.pg_trigger where tgname = 'migration_history_deleted' and tgrelid = ${literal(`${quotedName(schema)}.migration_history`)}::pg_catalog.regclass`;
  return `create or replace function ${forget}() returns trigger language plpgsql security definer set search_path = pg_catalog, pg_temp as $deleted$ begin
  if old.state = 'applied' and not exists (select from ${history} h where h.revision = old.revision)
    and exists (select from (${lastEvents(tables)}) l where l.revision = old.revision and l.present) then
    delete from ${statements} where revision = old.revision;
    insert into ${log} (id, run_id, event, revision, host, version, details) overriding system value
      values ((select coalesce(max(id), 0) + 1 from ${log}), gen_random_uuid(), 'forgotten', old.revision, old.host, old.version, '${BY_HAND}');
  end if;
  return null;
end $deleted$;
revoke all on function ${forget}() from public;
do $guard$ begin
  if not exists (select from ${trigger}) then
    create constraint trigger migration_history_deleted after delete on ${history} deferrable initially deferred
      for each row execute function ${forget}();
  end if;
end $guard$;`;
}

/** Revisions whose row a person has deleted, and that have not been applied since. */
export function deletedByHand(tables: LedgerTables): string {
  return `select l.revision from (${lastEvents(tables)}) l where l.event = 'forgotten' and l.details = '${BY_HAND}'`;
}
