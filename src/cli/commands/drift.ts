/** `godwit drift` */
import { acceptSchema, type DriftReport, driftOf } from "../../run/drift.ts";
import { describeDifference } from "../../schema/compare.ts";
import { visible } from "../../std/visible.ts";
import type { Answer, Invocation } from "../command.ts";
import { withSession } from "../session.ts";
import { timeOf } from "./status.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags, say, signal } = invocation;
  const [files, sql] = [flags.files === true, flags.sql === true];
  return withSession(invocation, async ({ target, config, context }) => {
    const parts =
      files || sql
        ? (await import("../../assemble/drift.ts")).driftParts(config, { say, signal })
        : undefined;
    const options = { files, sql, ...(parts === undefined ? {} : { parts }) };
    const report =
      flags.accept === true ? await acceptSchema(target, context) : await driftOf(target, context, options);
    if (config.webhooks.length > 0)
      await (await import("../../service/webhooks/drift.ts")).tellDrift({ config, target, context }, report);
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

function textOf(report: DriftReport): string {
  const { database, takenAt, accepted, differences, ignored, sql } = report;
  const count = `${differences.length} ${differences.length === 1 ? "difference" : "differences"}`;
  const since = takenAt === null ? "from the applied migrations" : `since ${timeOf(takenAt)}`;
  const first = accepted
    ? `${database}: the schema is kept as it is${differences.length === 0 ? "." : `, with ${count}:`}`
    : differences.length === 0
      ? `${database}: no drift ${since}.`
      : `${database}: ${count} ${since}`;
  const lines = differences.map((one) => `  ${visible(describeDifference(one, LONGEST))}`);
  return [
    first,
    ...lines,
    ...(ignored === 0 ? [] : [`  ${ignored} more ${ignored === 1 ? "is" : "are"} ignored (driftIgnore)`]),
    ...(sql === undefined ? [] : sqlLines(sql)),
  ].join("\n");
}

function sqlLines({
  undo,
  adopt,
  losses,
  adoptLosses,
  provenOn,
  unproven,
}: NonNullable<DriftReport["sql"]>): readonly string[] {
  if (provenOn === null)
    return ["", "There is no SQL that is proven:", ...unproven.map((one) => `  ${visible(one)}`)];
  const lines = (statements: NonNullable<DriftReport["sql"]>["undo"]) =>
    statements.map(({ text, losesData }) => `${losesData ? "-- This loses data:\n" : ""}${text};`);
  const lost = (all: readonly string[]) => all.map((loss) => `-- Loses data: ${loss.replace(/\s+/g, " ")}`);
  return [
    ...["", `-- To undo it, proven on PostgreSQL ${provenOn}:`],
    ...lost(losses),
    ...lines(undo),
    ...["", "-- To adopt it, write this into a migration, undo it, and run the migration:"],
    ...lost(adoptLosses),
    ...lines(adopt),
  ];
}
