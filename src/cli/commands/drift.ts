/** `godwit drift` */
import { acceptSchema, type DriftReport, driftOf } from "../../run/drift.ts";
import { describeDifference } from "../../schema/compare.ts";
import { identity } from "../../schema/snapshot.ts";
import { visible } from "../../std/visible.ts";
import type { Answer, Invocation } from "../command.ts";
import { withSession } from "../session.ts";
import { cautionsOf } from "./diff.ts";
import { timeOf } from "./status.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags, say, signal } = invocation;
  const [files, sql] = [flags.files === true, flags.sql === true];
  return withSession(invocation, async ({ target, config, context }) => {
    const parts =
      files || sql
        ? (await import("../../assemble/drift.ts")).driftParts(config, { sql, say, signal })
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
  const { database, takenAt, accepted, differences, ignored, unmatched, sql } = report;
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
    ...unmatched.map(
      (one) => `  note: driftIgnore has "${visible(one)}", which matches no object that is compared`,
    ),
    ...(sql === undefined ? [] : sqlLines(sql, differences)),
  ].join("\n");
}

type Sql = NonNullable<DriftReport["sql"]>;

function sqlLines(sql: Sql, differences: DriftReport["differences"]): readonly string[] {
  const { undo, adopt, provenOn, unproven } = sql;
  if (provenOn === null)
    return ["", "There is no SQL that is proven:", ...unproven.map((one) => `  ${visible(one)}`)];
  const cautions = cautionsOf({
    ...{ losses: sql.losses, backLosses: sql.adoptLosses },
    ...{ failsOnRows: sql.failsOnRows, backFailsOnRows: sql.adoptFailsOnRows },
  });
  return [
    ...["", `-- To undo it, proven on PostgreSQL ${provenOn}:`],
    ...cautions.up.map(comment),
    ...scriptLines(undo, differences),
    ...["", "-- To adopt it, write this into a migration, undo it, and run the migration:"],
    ...cautions.down.map(comment),
    ...scriptLines(adopt, differences),
  ];
}

/** Each statement below the differences that it is for. What no statement does is named too. */
function scriptLines(statements: Sql["undo"], differences: DriftReport["differences"]): readonly string[] {
  const said = new Map(differences.map((one) => [identity(one), describeDifference(one, LONGEST)]));
  const head = (one: Sql["undo"][number] | undefined) =>
    (one?.differences ?? []).map((name) => comment(said.get(name) ?? name));
  const without = [...said].filter(([name]) => !statements.some((one) => one.differences.includes(name)));
  return [
    ...statements.flatMap((statement, at) => {
      const [above, own] = [head(statements[at - 1]), head(statement)];
      return [
        ...(own.join() === above.join() ? [] : own),
        ...(statement.losesData ? ["-- This loses data:"] : []),
        `${statement.text};`,
      ];
    }),
    ...without.map(([, text]) => comment(`No statement makes this: ${text}`)),
  ];
}

function comment(text: string): string {
  return `-- ${visible(text.replace(/\s+/g, " "))}`;
}
