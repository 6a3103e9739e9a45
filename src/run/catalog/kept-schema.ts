/** The schema as a run leaves it: kept at its end, and compared with what is there later. */
import type { Connection } from "../../database/connection.ts";
import { PlanRefused, type Problem, problemsOf } from "../../errors.ts";
import { keptSchemaTable } from "../../ledger/schema-snapshot.ts";
import type { Lock } from "../../lock/lock.ts";
import { carryDrift } from "../../schema/carry.ts";
import { compareSchemas, type SchemaDifference } from "../../schema/compare.ts";
import { fingerprintOf } from "../../schema/fingerprint.ts";
import { ignoredBy, unmatchedOf } from "../../schema/ignore.ts";
import { packSnapshot, unpackSnapshot } from "../../schema/packed.ts";
import { type SchemaSnapshot, type SnapshotOptions, takeSnapshot } from "../../schema/snapshot.ts";
import { sessionKind } from "../session/connect.ts";
import { OWN_TABLES } from "../session/own-tables.ts";
import { resetSession } from "../session/settings.ts";
import type { RunContext, Target } from "../session/target.ts";
import { writeUnderLock } from "../session/transaction.ts";

export interface LockedSession {
  readonly target: Target;
  readonly connection: Connection;
  readonly lock: Pick<Lock, "fence">;
  readonly context: RunContext;
}

/**
 * Keeps the schema if this many steps have changed something. Never throws: what was applied is applied, and the next
 * `godwit drift` says that the snapshot is too old.
 */
export async function keepSchema(
  { target, connection, lock, context }: LockedSession,
  { changes, found }: { readonly changes: number; readonly found: FoundSchema | null },
): Promise<void> {
  if (changes === 0 || connection.lost.aborted || context.signal.aborted) return;
  try {
    const kind = sessionKind(connection, context);
    if (kind.session) await connection.execute(resetSession(kind, target.settings, {}));
    // Before the schema is read: what changes meanwhile is not in it. Of drift that is carried there is none: it is to be seen again.
    const fingerprint = found === null ? await currentFingerprint(target, connection) : null;
    const end = await currentSchema(target, connection);
    const snapshot = found === null ? end : carryDrift({ ...found, end });
    const content = packSnapshot(snapshot, fingerprint);
    await writeUnderLock(connection, lock, keptSchema(target).keep(content, context));
  } catch (error) {
    if (connection.lost.aborted || context.signal.aborted) return;
    await connection.execute("rollback").catch(() => {});
    context.observe({ kind: "warning", problem: notKept(error, target) });
  }
}

/** The schema as the last run has left it, and as this one has found it. */
export interface FoundSchema {
  readonly kept: SchemaSnapshot;
  readonly start: SchemaSnapshot;
}

/** What has changed since the snapshot was kept, without what is to be ignored. */
export interface Drift {
  readonly takenAt: Date;
  readonly differences: readonly SchemaDifference[];
  readonly ignored: number;
  /** The patterns of what is to be ignored that mean no object, neither of then nor of now. */
  readonly unmatched: readonly string[];
}

/** Throws `PlanRefused` where there is nothing to compare with. */
export async function driftIn(
  target: Target,
  connection: Connection,
  patterns: readonly string[],
): Promise<Drift & { readonly schemas: FoundSchema }> {
  const kept = await keptSchema(target).read(connection);
  const { database } = connection.server;
  if (kept === null)
    throw refusal(
      target,
      "SCHEMA_SNAPSHOT_MISSING",
      `No snapshot of the schema of "${database}" has been kept yet.`,
    );
  if (kept.outdated)
    throw refusal(
      target,
      "SCHEMA_SNAPSHOT_OUTDATED",
      `The schema of "${database}" was kept before the last migration, which ran as a script or was interrupted.`,
    );
  const before = unpackSnapshot(kept.content);
  if (before === null)
    throw refusal(
      target,
      "SCHEMA_SNAPSHOT_OUTDATED",
      `The schema of "${database}" was kept by another version of Godwit.`,
    );
  const now = await currentSchema(target, connection);
  const schemas = { kept: before, start: now };
  return { takenAt: kept.takenAt, ...differencesIn(schemas, patterns), schemas };
}

/** Whether the schema is the one that was kept, as far as that is seen without reading it. `false`: nobody knows yet. */
export async function isAsKept(target: Target, connection: Connection): Promise<boolean> {
  const kept = await keptSchema(target).fingerprint(connection);
  return kept !== null && kept === (await currentFingerprint(target, connection));
}

/** Without what is to be ignored. */
export function differencesIn({ kept, start }: FoundSchema, patterns: readonly string[]) {
  const all = compareSchemas(kept, start);
  const isIgnored = ignoredBy(patterns, [kept, start]);
  const differences = all.filter((difference) => !isIgnored(difference));
  const unmatched = unmatchedOf(patterns, [kept, start]);
  return { differences, ignored: all.length - differences.length, unmatched };
}

export function currentSchema(target: Target, connection: Connection): Promise<SchemaSnapshot> {
  const { schema = null } = target.settings;
  return takeSnapshot(connection, { schema, isLeftOut: isOurs(target) });
}

function currentFingerprint({ settings }: Target, connection: Connection): Promise<string | null> {
  return fingerprintOf(connection, { schema: settings.schema ?? null });
}

export function keptSchema({ ledger, settings }: Target) {
  return keptSchemaTable({ schema: ledger.schema, given: settings.schema ?? null, byHand: ledger.byHand });
}

/** Our tables, and the schema that we have made for them. */
function isOurs({ ledger, settings }: Target): NonNullable<SnapshotOptions["isLeftOut"]> {
  // The server quotes a name where it has to, and only it knows all the words for which it has to.
  const written = [ledger.schema, `"${ledger.schema.replaceAll('"', '""')}"`];
  const isShared = ledger.schema === "public" || ledger.schema === settings.schema;
  return ({ kind, name }) => {
    if (kind === "schema") return written.includes(name) && !isShared;
    const inside = written.find((schema) => name.startsWith(`${schema}.`));
    if (inside === undefined) return false;
    const bare = name.slice(inside.length + 1);
    if (kind === "function") return bare === "migration_history_deleted()";
    return kind === "table" && (OWN_TABLES.has(bare) || /^migration_undo_[0-9a-f]{16}$/.test(bare));
  };
}

function refusal(
  { settings: { projectFlags = "" } }: Target,
  ...[code, message]: ["SCHEMA_SNAPSHOT_MISSING" | "SCHEMA_SNAPSHOT_OUTDATED", string]
): PlanRefused {
  return new PlanRefused([
    {
      code,
      message,
      hint: `Look whether the schema is what it should be, then keep it: \`godwit drift --accept${projectFlags}\`. Every \`godwit up\` that changes something keeps it too.`,
    },
  ]);
}

function notKept(error: unknown, { settings: { projectFlags = "" } }: Target): Problem {
  const [problem] = problemsOf(error);
  return {
    code: "SCHEMA_SNAPSHOT_OUTDATED",
    message: `What this run has changed stays, but no snapshot of the schema could be kept: ${problem?.message ?? error}`,
    hint: `\`godwit drift --accept${projectFlags}\` keeps it once that is mended.`,
  };
}
