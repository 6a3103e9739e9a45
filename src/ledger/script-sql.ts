/**
 * The guards of a script that is written without a database. The script assumes a state of the ledger. It holds the
 * lock when it checks that state, before it does anything. A script that runs twice, or on another database, stops
 * and says how to go on.
 */
import { literal, storedArray } from "../core/sql/quote.ts";
import type { LedgerSql } from "./sql.ts";

/** Raises if one of these revisions, which the script applies, is already in the ledger. */
export function refusePresent({ historyTable }: LedgerSql, revisions: readonly string[]): string {
  if (revisions.length === 0) return "";
  const hint =
    "The script was run here before, or it is for another state of the database. godwit up applies what is missing. Or create a new script from the revision that godwit current names: godwit up --sql --from <revision>.";
  return block(`select revision, state into one from ${historyTable} where revision = any (${storedArray(revisions)}) order by sequence limit 1;
  if found then
    raise exception using message = one.revision || ' is in the ledger already (' || one.state || '), and this script would apply it',
      hint = ${literal(hint)};
  end if;`);
}

/** Raises if one of these revisions, which the script reverts, is not in the ledger. */
export function refuseAbsent({ historyTable, exists }: LedgerSql, revisions: readonly string[]): string {
  if (revisions.length === 0) return "";
  const hint =
    "The script was run here before, or it is for another state of the database. Create a new script from the revision that godwit current names: godwit down --sql --from <revision>.";
  return block(`if not (${exists()}) then
    raise exception using message = 'this database has no ledger of Godwit, and this script takes back what is in it',
      hint = 'Look whether it is the right database, and the right ledger schema.';
  end if;
  select r.revision into one from unnest(${storedArray(revisions)}) with ordinality r (revision, place)
    where not exists (select from ${historyTable} h where h.revision = r.revision) order by r.place limit 1;
  if found then
    raise exception using message = one.revision || ' is not in the ledger, and this script would take it back',
      hint = ${literal(hint)};
  end if;`);
}

/** Raises if one of these revisions, which the script reverts, was adopted or declared: we never ran it. */
export function refuseDeclared({ historyTable }: LedgerSql, revisions: readonly string[]): string {
  if (revisions.length === 0) return "";
  return block(`select string_agg(revision, ', ' order by sequence desc) as revisions,
    (select revision from ${historyTable} where baseline order by sequence desc limit 1) as floor
    into one from ${historyTable} where baseline and revision = any (${storedArray(revisions)});
  if one.revisions is not null then
    raise exception using message = 'Godwit did not apply what the baseline declared, and does not take it back: ' || one.revisions,
      hint = 'godwit down ' || one.floor || ' goes as far as the baseline.';
  end if;`);
}

function block(body: string): string {
  return `do $godwit$ declare one record; begin
  ${body}
end $godwit$;`;
}
