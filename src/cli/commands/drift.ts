/** `godwit drift` */
import { acceptSchema, type DriftReport, driftOf } from "../../run/drift.ts";
import { describeDifference } from "../../schema/compare.ts";
import { visible } from "../../std/visible.ts";
import type { Answer, Invocation } from "../command.ts";
import { withSession } from "../session.ts";
import { timeOf } from "./status.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  return withSession(invocation, async ({ target, config, context }) => {
    const report =
      invocation.flags.accept === true ? await acceptSchema(target, context) : await driftOf(target, context);
    return {
      json: { ...report },
      // Of the schemas of a target, one line each is shown.
      text:
        config.target?.schema == null
          ? textOf(report)
          : textOf(report)
              .replace(/:?\n {2}/, ": ")
              .replaceAll("\n  ", "; "),
      result: true,
      exitCode: report.drifted ? 1 : 0,
    };
  });
}

/** The text of a function can be of any length. JSON has all of it. */
const LONGEST = 200;

function textOf({ database, takenAt, accepted, differences, ignored }: DriftReport): string {
  const count = `${differences.length} ${differences.length === 1 ? "difference" : "differences"}`;
  const since = timeOf(takenAt);
  const first = accepted
    ? `${database}: the schema is kept as it is${differences.length === 0 ? "." : `, with ${count}:`}`
    : differences.length === 0
      ? `${database}: no drift since ${since}.`
      : `${database}: ${count} since ${since}`;
  const lines = differences.map((one) => `  ${visible(describeDifference(one, LONGEST))}`);
  return [
    first,
    ...lines,
    ...(ignored === 0 ? [] : [`  ${ignored} more ${ignored === 1 ? "is" : "are"} ignored (driftIgnore)`]),
  ].join("\n");
}
