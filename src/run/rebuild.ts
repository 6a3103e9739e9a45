/**
 * `godwit repair --rebuild`: rebuilds lost tables and rows of the ledger from what is left of it and from the files.
 * It invents nothing. A person has to decide about the rest, and every run is refused until then.
 */
import { restored } from "../core/sql/stored.ts";
import type { Connection } from "../database/connection.ts";
import { PlanRefused } from "../errors.ts";
import { damaged, isBeyondRebuilding, type Lost } from "../ledger/damage.ts";
import type { RecordedHistory } from "../ledger/ledger.ts";
import type { Entry, Rebuilt } from "../ledger/rows.ts";
import type { Lock } from "../lock/lock.ts";
import type { Listing } from "../source/source.ts";
import { toolNamed } from "../tools/tools.ts";
import { entryFor } from "./adopt/declared-row.ts";
import type { RunContext, Target } from "./session/target.ts";
import { rollback } from "./session/transaction.ts";

export interface RepairPlace {
  readonly target: Target;
  readonly connection: Connection;
  readonly lock: Lock;
  readonly context: RunContext;
  readonly files: Listing;
  readonly history: RecordedHistory;
}

/** Revisions whose rows were rebuilt, and revisions that a person has to decide about. */
export interface Rebuild {
  readonly rebuilt: readonly string[];
  readonly left: readonly string[];
}

export async function rebuild(place: RepairPlace): Promise<Rebuild> {
  const { target, connection, lock, context } = place;
  const { damage } = place.history;
  const refusal = damage === null ? null : damaged(damage);
  if (damage === null || refusal === null) throw isWhole(target.ledger.schema);
  if (isBeyondRebuilding(damage) || damage.halfWay.length > 0) throw refusal;
  const found = await Promise.all(
    damage.lost.map(async (one) => ({ one, entry: await entryOf(place, one) })),
  );
  const known = found.flatMap(({ one, entry }) => (entry === null ? [] : [{ one, entry }]));
  if (known.length + damage.tables.length === 0) throw refusal;
  const { sql } = target.ledger;
  const note = (revision: string, details: Readonly<Record<string, unknown>> | null) =>
    sql.log(context, { event: "rebuilt", revision, direction: null, durationMs: null, details });
  await connection.execute(
    `begin isolation level read committed; ${lock.fence} ${sql.create(target.settings.project)}`,
  );
  try {
    const unlogged = damage.tables.includes("migration_log")
      ? (await connection.query<{ revision: string }>(sql.unlogged())).rows
      : [];
    const rows = [
      ...known.map(({ one, entry }) => sql.rebuild(entry, one.logged ?? context, asItWas(one))),
      ...(known.length === 0 ? [] : [sql.reorder()]),
      // The log has the rest of it already; of a half-way one there is nothing to say yet.
      ...known.flatMap(({ one }) =>
        one.state === "applied" ? [note(one.revision, { baseline: isBaseline(one) })] : [],
      ),
      ...unlogged.map(({ revision }) => note(restored(revision), null)),
    ];
    await connection.execute(`${rows.map((row) => `${row};`).join("\n")} commit`);
  } finally {
    await rollback(connection);
  }
  const left = [
    ...found.flatMap(({ one, entry }) => (entry === null ? [one.revision] : [])),
    ...damage.returned,
  ];
  return { rebuilt: known.map(({ one }) => one.revision), left };
}

/** From its file; of a program of another tool from what that tool knew of it. `null`: nothing says what it was. */
async function entryOf({ target, files }: RepairPlace, { revision, logged }: Lost): Promise<Entry | null> {
  const migration = files.migrations.find(({ id }) => id === revision);
  if (migration !== undefined) return entryFor(target, migration);
  const { tool, checksum } = logged?.details ?? {};
  const title = typeof tool === "string" ? toolNamed(tool)?.title : undefined;
  if (title === undefined) return null;
  return {
    revision,
    kind: "sql",
    phase: "startup",
    number: null,
    parents: [],
    file: `(${title})`,
    checksum: typeof checksum === "string" ? checksum : "",
    fingerprint: null,
    revertScript: null,
    minimumRevision: null,
  };
}

function asItWas(one: Lost): Rebuilt {
  const { state, logged } = one;
  if (logged === null || state === "partial")
    return { state, baseline: false, at: null, executedBy: logged?.executedBy ?? null, durationMs: null };
  const { at } = logged.details ?? {};
  return {
    state,
    baseline: isBaseline(one),
    at: typeof at === "string" ? at : logged.at,
    executedBy: logged.executedBy,
    durationMs: logged.durationMs,
  };
}

/** Not carried out here, so `down` does not take it back. */
function isBaseline({ logged }: Lost): boolean {
  if (logged?.event === "rebuilt") return logged.details?.baseline === true;
  return logged?.event === "baseline" || logged?.event === "marked-done";
}

function isWhole(schema: string): PlanRefused {
  return new PlanRefused([
    {
      code: "REPAIR_REFUSED",
      message: `The ledger in schema "${schema}" has lost nothing.`,
      hint: "There is nothing to rebuild. Nothing was changed.",
    },
  ]);
}
