/** What a way back has left as it was, for people. */
import { describeKey, type KeyColumn } from "../../../backfill/key.ts";
import type { BackfillTable } from "../../../backfill/table.ts";
import type { Problem } from "../../../errors.ts";
import type { UndoState } from "../../../ledger/backfill-undo-sql.ts";
import { rowsOf, whole } from "../../../std/number.ts";

/** What did not come back. `null`: everything did. */
export function leftOver(
  { table, state }: { readonly table: BackfillTable; readonly state: UndoState },
  revision: string,
): Problem | null {
  const { restored, changed, gone, keys } = state;
  if (changed + gone === 0) return null;
  const named = keys.map((key) => describeKey(table.key as readonly KeyColumn[], key)).join("; ");
  const more = changed > keys.length ? "; …" : "";
  const parts = [
    ...(changed > 0
      ? [
          `${whole(changed)} ${changed === 1 ? "row was" : "rows were"} changed since, or by a trigger (${named}${more})`,
        ]
      : []),
    ...(gone > 0 ? [`${whole(gone)} ${gone === 1 ? "is" : "are"} deleted`] : []),
  ];
  return {
    code: "BACKFILL_UNDO_LEFT",
    message: `${revision}: ${rowsOf(restored)} of ${table.shown} ${restored === 1 ? "has its old values" : "have their old values"} again, and ${whole(changed + gone)} ${changed + gone === 1 ? "does" : "do"} not: ${parts.join("; ")}.`,
    hint: "What was changed since stays as it is.",
    details: { revision, table: table.shown, restored, changed, gone, keys },
  };
}
