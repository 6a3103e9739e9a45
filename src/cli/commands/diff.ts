/** `godwit diff` */
import { diffOf } from "../../assemble/diff.ts";
import type { DiffStatement } from "../../diff/statement.ts";
import type { SchemaDiffReport } from "../../run/schema-diff.ts";
import type { Answer, Invocation } from "../command.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { flags, say, signal } = invocation;
  const config = await invocation.config();
  const report = await diffOf(config, givenBy(flags), { say, signal });
  const different = report.statements.length > 0;
  return {
    json: { different, ...report },
    text: textOf(report, flags.down === true),
    verbatim: true,
    result: true,
    exitCode: flags.exitCode === true && different ? 1 : 0,
  };
}

export function givenBy(flags: Invocation["flags"]) {
  const text = (value: Invocation["flags"][string]) => (typeof value === "string" ? value : undefined);
  const texts = (value: Invocation["flags"][string]) =>
    Array.isArray(value) ? (value as readonly string[]) : [];
  return {
    from: text(flags.from),
    to: text(flags.to),
    exclude: texts(flags.exclude),
    rename: texts(flags.rename),
  };
}

function textOf(report: SchemaDiffReport, down: boolean): string {
  const { from, to, statements, back, notes, provenOn } = report;
  if (statements.length === 0)
    return [`-- No differences between ${from} and ${to}.`, ...notes.map(comment)].join("\n");
  const [first, second] = down ? [to, from] : [from, to];
  return [
    `-- From ${first} to ${second}, proven on PostgreSQL ${provenOn}.`,
    ...notes.map(comment),
    ...(down ? cautionsOf(report).down : cautionsOf(report).up).map(comment),
    sqlOf(down ? back : statements),
  ].join("\n");
}

type Cautious = Pick<SchemaDiffReport, "losses" | "backLosses" | "failsOnRows" | "backFailsOnRows">;

/** What whoever carries out either way should know before. */
export function cautionsOf({ losses, backLosses, failsOnRows, backFailsOnRows }: Cautious) {
  const words = (lost: readonly string[], failing: readonly string[]) => [
    ...lost.map((loss) => `Loses data: ${loss}`),
    ...failing.map((failure) => `Fails on rows: ${failure}`),
  ];
  return { up: words(losses, failsOnRows), down: words(backLosses, backFailsOnRows) };
}

function comment(text: string): string {
  return `-- ${text.replace(/\s+/g, " ")}`;
}

export function sqlOf(statements: readonly DiffStatement[]): string {
  return statements.map(({ text }) => `${text};`).join("\n");
}
