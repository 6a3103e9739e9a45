/**
 * The guards of a script that is written without a database. The script assumes a state of the ledger. It holds the
 * lock when it checks that state, before it does anything. A script that runs twice, or on another database, stops
 * and says how to go on.
 */
import type { Migration } from "../core/migration.ts";
import { literal, stored, storedArray } from "../core/sql/quote.ts";
import type { LedgerSql } from "./sql.ts";

/** Raises if one of these revisions, which the script applies, is already in the ledger. */
export function refusePresent({ historyTable }: LedgerSql, revisions: readonly string[]): string {
  if (revisions.length === 0) return "";
  const hint =
    "The script was run here before, or it is for another state of the database. `godwit up` applies what is missing. Or create a new script from the revision that `godwit current` names: `godwit up --sql --from <revision>`.";
  return block(`select revision, state into one from ${historyTable} where revision = any (${storedArray(revisions)}) order by sequence limit 1;
  if found then
    raise exception using message = one.revision || ' is in the ledger already (' || one.state || '), and this script would apply it',
      hint = ${literal(hint)};
  end if;`);
}

/** Raises if one of these revisions, which the script reverts, is not in the ledger. `left`: the revision to go back to. */
export function refuseAbsent(
  { historyTable, exists }: LedgerSql,
  revisions: readonly string[],
  left: string,
): string {
  if (revisions.length === 0) return "";
  const hint = `The script was run here before, or it is for another state of the database. Create a new script from the revision that \`godwit current\` names: \`godwit down ${left} --sql --from <revision>\`.`;
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

/** Raises if a backfill that the script takes for finished is not. Each pair names who waits for it. */
export function refuseUnfinished(
  { historyTable }: LedgerSql,
  pairs: readonly { readonly revision: string; readonly backfill: string }[],
): string {
  if (pairs.length === 0) return "";
  const values = pairs.map(({ revision, backfill }) => `(${stored(revision)}, ${stored(backfill)})`);
  return block(`select v.revision, v.backfill into one from (values ${values.join(",\n    ")}) as v (revision, backfill)
    where not exists (select from ${historyTable} h where h.revision = v.backfill and h.state = 'applied') limit 1;
  if found then
    raise exception using message = one.revision || ' waits for the backfill ' || one.backfill || ', which is not finished in this database',
      hint = 'A script cannot run a backfill. Finish it with \`godwit up ' || one.backfill || '\`, then run this script again.';
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
      hint = '\`godwit down ' || one.floor || '\` goes as far as the baseline.';
  end if;`);
}

/** What the script takes for granted of the ledger when it applies files. */
export interface AppliedFiles {
  readonly project: string | null;
  /** All files that are no repeatables. */
  readonly files: readonly string[];
  /** The files that the script applies for the first time. */
  readonly fresh: readonly Pick<Migration, "id" | "checksum" | "fingerprint">[];
}

/**
 * Raises if the ledger is that of other files. It also raises for a file that a baseline has replaced, and for one with
 * the text of an applied revision that has no file here.
 */
export function refuseOtherFiles(sql: LedgerSql, { project, files, fresh }: AppliedFiles): string {
  const { historyTable, ledgerTable } = sql;
  if (files.length === 0) return "";
  const ids = storedArray(files);
  const isForeign =
    project === null
      ? ""
      : `select project into one from ${ledgerTable} where project <> ${stored(project)};
  if found then
    raise exception using message = 'the ledger of this database belongs to project "' || one.project || ${literal(`", and this script is of "${project}"`)},
      hint = 'Look whether it is the right database, and the right ledger schema.';
  end if;
  `;
  const texts = fresh.map(
    ({ id, checksum, fingerprint }) =>
      `(${stored(id)}, ${stored(checksum)}, ${fingerprint === null ? "null" : stored(fingerprint)})`,
  );
  const isRepeated =
    texts.length === 0
      ? ""
      : `
  select v.revision, h.revision as applied into one from (values ${texts.join(",\n    ")}) as v (revision, checksum, fingerprint)
    join ${historyTable} h on h.state = 'applied' and h.kind <> 'repeatable' and h.revision <> all (${ids})
    and (h.checksum = v.checksum and h.checksum <> '' or h.fingerprint = v.fingerprint) limit 1;
  if found then
    raise exception using message = one.revision || ' has the text of ' || one.applied || ', which is applied and has no file any more',
      hint = 'If it was renamed: \`godwit repair --mark-done ' || one.revision || '\`, then \`godwit repair --forget ' || one.applied || '\`, and create the script anew.';
  end if;
  select r.revision into one from (${sql.replaced()}) r where r.revision = any (${storedArray(fresh.map(({ id }) => id))}) limit 1;
  if found then
    raise exception using message = one.revision || ' would be applied, and \`godwit baseline\` has put other files in its place: what it did is in the database already',
      hint = 'Remove its file and create the script anew. If it is to stay: \`godwit repair --mark-done ' || one.revision || '\`.';
  end if;`;
  return block(`${isForeign}if exists (select from ${historyTable} where state = 'applied' and kind <> 'repeatable' and not (baseline and filename ~ '^[(].*[)]$'))
    and not exists (select from ${historyTable} where kind <> 'repeatable' and revision = any (${ids})) then
    raise exception using message = 'none of the revisions in this ledger is among the files of this script',
      hint = 'Look whether it is the right database. If these files have replaced all of the old ones: \`godwit baseline <revision> --confirm <database>\`, and then a script from that revision.';
  end if;${isRepeated}`);
}

function block(body: string): string {
  return `do $godwit$ declare one record; begin
  ${body}
end $godwit$;`;
}
