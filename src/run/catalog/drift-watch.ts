/**
 * Drift during a run. At its start the schema is compared with the one that the last run has kept, if there is anything to do:
 * whoever runs is told, or the run is refused. At its end the schema is kept, with that drift in it.
 */
import { PlanRefused, type Problem, problemsOf } from "../../errors.ts";
import { describeDifference, type SchemaDifference } from "../../schema/compare.ts";
import { identity } from "../../schema/snapshot.ts";
import {
  type Drift,
  driftIn,
  type FoundSchema,
  isAsKept,
  keepSchema,
  type LockedSession,
} from "./kept-schema.ts";

export class DriftWatch {
  #looked = false;
  #found: FoundSchema | null = null;

  /** Throws `SCHEMA_DRIFTED` if anything has changed since the last run. */
  async refuse(place: Omit<LockedSession, "lock">): Promise<void> {
    const differences = await this.#compare(place);
    if (differences.length === 0) return;
    const flags = flagsOf(place);
    const hint = `\`godwit drift${flags}\` names every difference. Undo them, or keep the schema as it is: \`godwit drift --accept${flags}\`. Nothing was changed.`;
    throw new PlanRefused([{ ...driftedProblem(place, differences), hint }]);
  }

  /** Once in a run, however often it connects. A schema that cannot be read stops nothing. */
  async look(place: LockedSession, { tell }: { readonly tell: boolean }): Promise<void> {
    if (this.#looked) return;
    try {
      const differences = await this.#compare(place);
      if (differences.length === 0 || !tell) return;
      const flags = flagsOf(place);
      const hint = `\`godwit drift${flags}\` names every difference, also after this run. If they are right: \`godwit drift --accept${flags}\`.`;
      place.context.observe({ kind: "warning", problem: { ...driftedProblem(place, differences), hint } });
    } catch (error) {
      const { connection, context } = place;
      // There is nothing to compare with: `godwit drift` says so.
      if (error instanceof PlanRefused) return;
      if (connection.lost.aborted || context.signal.aborted) throw error;
      context.observe({ kind: "warning", problem: notSeen(error, flagsOf(place)) });
    }
  }

  /** See `keepSchema`. */
  async keep(place: LockedSession, changes: number): Promise<void> {
    await keepSchema(place, { changes, found: this.#found });
  }

  async #compare(place: Omit<LockedSession, "lock">): Promise<Drift["differences"]> {
    const { target, connection, context } = place;
    this.#looked = true;
    if (await isAsKept(target, connection)) {
      context.observe({ kind: "drift-checked", objects: [] });
      return [];
    }
    const { differences, ignored, schemas } = await driftIn(
      target,
      connection,
      target.settings.driftIgnore ?? [],
    );
    // Without any difference there is nothing to carry.
    this.#found = differences.length + ignored === 0 ? null : schemas;
    context.observe({ kind: "drift-checked", objects: differences.map(identity) });
    return differences;
  }
}

function driftedProblem(
  { connection }: Pick<LockedSession, "connection">,
  differences: readonly SchemaDifference[],
): Problem {
  const named = differences
    .slice(0, 3)
    .map((one) => describeDifference(one, 80))
    .join("; ");
  const more = differences.length > 3 ? `; and ${differences.length - 3} more` : "";
  return {
    code: "SCHEMA_DRIFTED",
    message: `The schema of "${connection.server.database}" has changed since the last run: ${named}${more}.`,
    details: { differences },
  };
}

function flagsOf({ target }: Pick<LockedSession, "target">): string {
  return target.settings.projectFlags ?? "";
}

function notSeen(error: unknown, flags: string): Problem {
  const [problem] = problemsOf(error);
  return {
    code: "SCHEMA_SNAPSHOT_OUTDATED",
    message: `Whether the schema was changed by hand since the last run could not be seen: ${problem?.message ?? error}`,
    hint: `This run keeps the schema as it leaves it. \`godwit drift${flags}\` compares with that.`,
  };
}
