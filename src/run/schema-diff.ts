/**
 * `godwit diff` and `godwit new --autogenerate`: the statements from one state of a schema to another, and back.
 *
 *   from ─► scratch database "present" ─┬─► its copy ─► the statements are found and carried out ─► equal to "desired"?
 *   to ───► scratch database "desired" ─┘       └─────► the way back, likewise            ─► equal to "present"?
 *
 * Everything happens on the scratch server. Databases that are named are only read.
 */
import type { Scratch } from "../database/embedded/scratch.ts";
import type { RenameHint } from "../diff/hints.ts";
import { lossesOf } from "../diff/losses.ts";
import { failuresOnRows } from "../diff/on-rows.ts";
import type { DiffStatement } from "../diff/statement.ts";
import { prove } from "./schema-proof.ts";
import type { SchemaState } from "./schema-state.ts";
import { leftOutOf, makeStates, readInPlace, userOf } from "./schema-states.ts";

export interface SchemaDiffInput {
  readonly from: SchemaState;
  readonly to: SchemaState;
  readonly openScratch: (major: number | undefined) => Promise<Scratch>;
  /** The major version of the configured database. `undefined`: it is not known. */
  readonly major: number | undefined;
  /** Tables that are in no comparison: `name`, `schema.name`, with `*`. */
  readonly exclude: readonly string[];
  /** The schema of our own tables. */
  readonly ledgerSchema: string;
  readonly renames: readonly RenameHint[];
  /** Whether the scratch server is to have both states at the end, as the databases `present` and `desired`. */
  readonly keeps?: boolean;
}

export interface SchemaDiffReport {
  readonly from: string;
  readonly to: string;
  readonly statements: readonly DiffStatement[];
  /** The way back. */
  readonly back: readonly DiffStatement[];
  /** `false`: a statement takes effect only when its transaction has ended, and a later one needs it. */
  readonly transaction: boolean;
  /** Tables and columns whose data the statements do not keep. */
  readonly losses: readonly string[];
  /** The same of the way back. */
  readonly backLosses: readonly string[];
  /** What may fail on a table that has rows, such as a column that becomes NOT NULL, or a new constraint. */
  readonly failsOnRows: readonly string[];
  /** The same of the way back. */
  readonly backFailsOnRows: readonly string[];
  /** What nobody need act on, but should know. */
  readonly notes: readonly string[];
  /** The version of PostgreSQL on which it was proven. */
  readonly provenOn: string;
}

/** Throws `PlanRefused` `DIFF_UNPROVEN`: no statements were found that make one of the other. */
export async function diffStates(input: SchemaDiffInput): Promise<SchemaDiffReport> {
  const { from, to, renames } = input;
  const leftOut = leftOutOf(input.exclude, input.ledgerSchema);
  await using live = await readInPlace(input, leftOut);
  await using scratch = await input.openScratch(input.major);
  const { insteadOf } = scratch;
  const notes =
    insteadOf === null
      ? []
      : [`The database is PostgreSQL ${insteadOf}, of which no scratch server is installed.`];
  const owner = await userOf(from, live);
  const stage = { scratch, owner, leftOut, live, notes, keeps: input.keeps === true };
  const { present, desired, ways } = await makeStates(stage, { from, to, renames });
  const { there, back, transaction } =
    ways === null
      ? await prove({ present, desired, from, to, renames, scratch, owner })
      : { ...ways, transaction: true };
  const sides = { from: there.renamed, to: desired.snapshot };
  const backSides = { from: back.renamed, to: present.snapshot };
  return {
    ...{ from: from.name, to: to.name, statements: there.statements, back: back.statements },
    transaction,
    losses: lossesOf(there.statements, sides),
    backLosses: lossesOf(back.statements, backSides),
    failsOnRows: failuresOnRows(there.statements, sides),
    backFailsOnRows: failuresOnRows(back.statements, backSides),
    notes: [
      ...notes,
      ...there.otherOrder.map(
        (table) =>
          `The columns of ${table} are in another order: PostgreSQL adds a column at the end, and moves none.`,
      ),
    ],
    provenOn: scratch.version,
  };
}
