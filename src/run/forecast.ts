/**
 * What a plan would do to those who use the database meanwhile: what its rehearsal saw, what is true of the target now, and how long
 * it will take by what generated rows took on the scratch server.
 */
import type { Scratch } from "../database/embedded/scratch.ts";
import { DatabaseError } from "../errors.ts";
import { type Calibration, calibrate, isWork, neededBy, worked } from "../prediction/calibrate.ts";
import { type LiveFacts, type LockHolder, liveFacts } from "../prediction/live.ts";
import { databasesLike, type Locale } from "../prediction/locale.ts";
import { type Predicted, predictionOf } from "../prediction/outages.ts";
import { type ForeignKey, foreignKeysOf } from "../prediction/references.ts";
import { nameOf } from "../prediction/rows.ts";
import { shapesOf } from "../prediction/shape.ts";
import { pageMs, roundTripMs } from "../prediction/speed.ts";
import { type Triggered, triggeredOf } from "../prediction/triggers.ts";
import type { RehearsalReport, RehearsedStatement, RehearsedStep } from "../rehearsal/report.ts";
import { limitRights, migratorOf } from "./scratch-rights.ts";
import { withConnection } from "./session/connect.ts";
import type { RunContext, Target } from "./session/target.ts";

export interface ForecastStep extends RehearsedStep, Predicted {}

export interface Forecast extends RehearsalReport, LiveFacts {
  readonly steps: readonly ForecastStep[];
}

/** The target is only read. `scratch`: that of the rehearsal; without it nothing is predicted. */
export async function forecastOf(
  target: Target,
  { report, scratch: given }: { readonly report: RehearsalReport; readonly scratch: Scratch | undefined },
  context: RunContext,
): Promise<Forecast> {
  const statements = report.steps.flatMap((step) => step.statements);
  const toWork = [...new Set(statements.filter(isWork).flatMap(worked))];
  const { facts, roundTrip, ...known } = await withConnection(target, context, async (connection) => {
    const facts = await liveFacts(connection, tablesIn(statements));
    const roundTrip = await roundTripMs(connection);
    // The server's words for a default or a constraint wait for whoever has closed the table.
    const isClosed = ({ modes }: LockHolder) => modes.includes("ACCESS EXCLUSIVE");
    const names = facts.relations.flatMap(({ relation, bytes, holders }) =>
      toWork.includes(relation) && bytes > 0 && !holders.some(isClosed) ? [relation] : [],
    );
    if (names.length === 0 || given === undefined) return { facts, roundTrip, shapes: null };
    const shapes = await shapesOf(connection, names).catch(lockedOut);
    if (shapes === null) return { facts, roundTrip, shapes };
    const targetPageMs = new Map<string, number | null>();
    for (const { relation, sample } of neededBy(statements, shapes.tables))
      targetPageMs.set(relation, await pageMs(connection, { table: nameOf(sample), bytes: sample.bytes }));
    return { facts, roundTrip, shapes, targetPageMs };
  });
  const locale = known.shapes?.locale;
  const scratch = given === undefined || locale === undefined ? undefined : sortingLike(given, locale);
  let times: ReadonlyMap<RehearsedStatement, number> = new Map();
  if (scratch !== undefined && known.shapes !== null) {
    const bound = await boundIn(scratch);
    await scratch.create(CALIBRATION);
    // Rows are there now, so what a statement calls for each of them is called, and reaches as little as in the rehearsal.
    await limitRights(scratch, { database: CALIBRATION });
    const options = { user: migratorOf(scratch), signal: context.signal, countsScans: true };
    times = await calibrate(() => scratch.open(CALIBRATION, options), statements, {
      ...facts,
      ...known,
      ...bound,
    });
  }
  const steps = report.steps.map((step) => ({ ...step, ...predictionOf(step, times, roundTrip) }));
  return { ...report, ...facts, steps };
}

/** The same server, whose new databases have this locale where the machine has it. */
function sortingLike(scratch: Scratch, locale: Locale): Scratch {
  const create: Scratch["create"] = async (database) => {
    await using server = await scratch.open("postgres");
    for (const statement of databasesLike(database, locale)) {
      try {
        await server.execute(statement);
        return;
      } catch (error) {
        if (!(error instanceof DatabaseError) || server.lost.aborted) throw error;
      }
    }
  };
  return { ...scratch, create };
}

/** What binds rows to others, in the one database that the rehearsal has made. */
async function boundIn(scratch: Scratch): Promise<Pick<Calibration, "foreignKeys" | "triggered">> {
  await using server = await scratch.open("postgres");
  const { rows } = await server.query<{ name: string }>(
    "select datname::text as name from pg_catalog.pg_database where datname not in ('postgres', 'template0', 'template1')",
  );
  const foreignKeys: ForeignKey[] = [];
  const triggered: Triggered[] = [];
  for (const { name } of rows) {
    await using connection = await scratch.open(name);
    foreignKeys.push(...(await foreignKeysOf(connection)));
    triggered.push(...(await triggeredOf(connection)));
  }
  return { foreignKeys, triggered };
}

/** Somebody else has locked a table meanwhile: nothing is predicted then. */
function lockedOut(error: unknown): null {
  if (error instanceof DatabaseError && error.sqlState === "55P03") return null;
  throw error;
}

const CALIBRATION = "godwit_calibration";

/** What the plan locks, reads as a whole or writes anew. */
function tablesIn(statements: readonly RehearsedStatement[]): readonly string[] {
  const names = statements.flatMap(({ locks, rewrites, scans }) => [
    ...locks.filter(({ kind }) => kind !== "index").map(({ relation }) => relation),
    ...rewrites,
    ...scans,
  ]);
  return [...new Set(names)];
}
