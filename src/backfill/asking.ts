/**
 * How a statement is asked which rows it has changed outside its window: by what it returns, or not at all where its text
 * shows that it can change none.
 */
import { type DataChange, dataChanges } from "../core/sql/data-changes.ts";
import { identifier } from "../core/sql/quote.ts";
import { regclass } from "../core/sql/regclass.ts";
import { setColumns } from "../core/sql/set-columns.ts";
import { splitStatements } from "../core/sql/statements.ts";
import { staysInside } from "../core/sql/stays-inside.ts";
import { visibleMark } from "../core/sql/window.ts";
import type { Connection } from "../database/connection.ts";
import { type Place, type Problem, SourceError } from "../errors.ts";
import type { BackfillTable } from "./table.ts";

export interface Asking {
  /** The alias that qualifies the key columns. `null`: they need no alias. */
  readonly alias: string | null;
  /** The author's statement has a `RETURNING`, to which the question is added. */
  readonly returns: boolean;
  /** The key from before the change is asked too, as that of `godwit_was`: PostgreSQL 18. */
  readonly asksOld: boolean;
  /** A condition for rows that the statement inserts, which cannot lie outside. `null`: it inserts none. */
  readonly added: string | null;
  /** Its rows are counted for old values only: none can lie outside. */
  readonly isProven: boolean;
}

export interface AskingFound {
  /** `null`: nothing has to be checked. */
  readonly asking: Asking | null;
  /** Changes of the statement that cannot be checked. */
  readonly unasked: Problem | null;
}

/**
 * Throws `SourceError` (`BACKFILL_STATEMENT`) where the statement changes the table of the backfill in a way that cannot be
 * asked. Of other tables that is a warning.
 */
export async function readAsking(
  connection: Pick<Connection, "execute" | "server">,
  table: BackfillTable,
  { text, ...place }: Place & { readonly text: string },
): Promise<AskingFound> {
  const statement = splitStatements(text)[0]?.text ?? "";
  const changes = dataChanges(statement);
  if (changes === null) return { asking: null, unasked: unread(table, place) };
  const { main, parts } = changes;
  const all = [...(main === null ? [] : [main]), ...parts];
  const own = await ownOf(connection, table, all);
  const key = table.key.map(({ name }) => name);
  const shows = (change: DataChange) => staysInside(change, { key, isOwn: own.has(change) });
  // A trigger cannot change the key of a deleted row.
  const isProven = (change: DataChange) => (!table.rewrites || change.verb === "delete") && shows(change);
  if (main !== null && parts.length === 0) {
    const { version } = connection.server;
    const asking = askingOf(main, { statement, isOwn: own.has(main), key, version });
    if (asking !== null) return { asking: { ...asking, isProven: isProven(main) }, unasked: null };
  }
  const open = all.filter((change) => (change.verb !== "insert" || change.upserts) && !isProven(change));
  const refused = open.find((change) => own.has(change) && !shows(change));
  if (refused !== undefined) throw unanswerable(table, refused, { place, isPart: parts.length > 0 });
  const [first] = open;
  return { asking: null, unasked: first === undefined ? null : unseen(table, first, place) };
}

interface Asks {
  readonly statement: string;
  readonly isOwn: boolean;
  readonly key: readonly string[];
  readonly version: number;
}

function askingOf(
  main: DataChange,
  { statement, isOwn, key, version }: Asks,
): Omit<Asking, "isProven"> | null {
  const { verb, returns, upserts } = main;
  const asksOld = isOwn && !returns && version >= 180_000;
  if (verb === "insert") {
    // Only the old row tells an updated row from an inserted one.
    if (!upserts || !asksOld) return null;
    return { alias: main.alias, returns, asksOld, added: `godwit_was.${identifier(key[0] ?? "")} is null` };
  }
  if (verb === "merge" && version < 170_000) return null;
  // The statement may have moved a row from outside into the window, and the new key does not show that.
  if (verb === "update" && isOwn && !asksOld && setsKey(main, key) && !staysInside(main, { key: [], isOwn }))
    return null;
  const alias = isOwn ? main.alias : visibleMark(statement)?.alias;
  if (alias === undefined) return null;
  return { alias, returns, asksOld, added: verb === "merge" ? "merge_action() = 'INSERT'" : null };
}

function setsKey({ text }: DataChange, key: readonly string[]): boolean {
  const columns = setColumns(text);
  return columns === null || columns.some((name) => key.includes(name));
}

/** Those that change the table itself, as the search path of the session finds it. */
async function ownOf(
  connection: Pick<Connection, "execute">,
  table: BackfillTable,
  changes: readonly DataChange[],
): Promise<ReadonlySet<DataChange>> {
  if (changes.length === 0) return new Set();
  const same = changes.map(
    (change) => `coalesce(${regclass(change.table)} = ${regclass(table.name)}, false)`,
  );
  const [answer] = await connection.execute(`select array[${same.join(", ")}] as own`);
  const own = answer?.rows[0]?.own as readonly boolean[] | undefined;
  return new Set(changes.filter((_, at) => own?.[at] === true));
}

const SHOWN = {
  update: "UPDATE",
  delete: "DELETE",
  insert: "INSERT … ON CONFLICT DO UPDATE",
  merge: "MERGE",
};

function unanswerable(
  { shown }: BackfillTable,
  { verb, returns }: DataChange,
  { place, isPart }: { readonly place: Place; readonly isPart: boolean },
): SourceError {
  const old = returns ? null : "18";
  const since = { merge: "17", insert: old, update: old, delete: null }[verb];
  const before = isPart || since === null ? "" : ` before PostgreSQL ${since}`;
  return new SourceError([
    {
      code: "BACKFILL_STATEMENT",
      message: `${place.file} is a backfill whose ${SHOWN[verb]} changes ${shown}${isPart ? " beside a WITH that changes data" : ""}: PostgreSQL cannot say${before} which rows outside its window it changes.`,
      hint: `Write it as an UPDATE or a DELETE whose own WHERE has the window, joined by AND, and set no column of the key: update ${shown} p set … where :window(p).`,
      place,
    },
  ]);
}

function unseen({ shown }: BackfillTable, { table, verb }: DataChange, place: Place): Problem {
  return {
    code: "BACKFILL_UNASKED",
    message: `${place.file} is a backfill of ${shown}, and nobody sees which rows of ${table} its ${SHOWN[verb]} changes outside the windows.`,
    hint: `Make sure that it changes only rows that belong to its window. An UPDATE … FROM or DELETE … USING that joins ${shown} with :window(p) outside of a sub-select is checked.`,
    place,
  };
}

function unread({ shown }: BackfillTable, place: Place): Problem {
  return {
    code: "BACKFILL_UNASKED",
    message: `${place.file} is a backfill of ${shown}, and nobody sees what its statement changes outside the windows.`,
    hint: "Make sure that it changes only rows that belong to its window. An UPDATE or a DELETE of the table is checked.",
    place,
  };
}
