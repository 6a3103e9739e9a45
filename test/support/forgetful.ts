/** A ledger that cannot call a statement done: what a runner leaves that is killed right after the statement's effect. */
import { ledgerSchema, type TestDatabase } from "./database.ts";

export interface Forgetful {
  /** From now on the ledger remembers again. */
  readonly heal: () => Promise<void>;
}

/** The ledger has to be there already. */
export async function forgetDone(db: TestDatabase): Promise<Forgetful> {
  await db.admin(`create function public.forget() returns trigger language plpgsql as
    $$ begin if new.state = 'done' and exists (select from "${ledgerSchema}".migration_statements s
      where (s.revision, s.position, s.state) = (new.revision, new.position, 'started')) then
      raise exception 'forgotten'; end if; return new; end $$;
    create trigger forget before insert or update on "${ledgerSchema}".migration_statements
    for each row execute function public.forget()`);
  return { heal: async () => void (await db.admin("drop function public.forget() cascade")) };
}
