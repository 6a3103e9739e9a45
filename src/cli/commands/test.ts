/** `godwit test` */
import { testOf } from "../../assemble/test.ts";
import type { TestedMigration, TestReport, TestStep } from "../../run/report/test-report.ts";
import { visible } from "../../std/visible.ts";
import type { Answer, Invocation } from "../command.ts";
import { formatProblem, type Paint } from "../output/problems.ts";

export async function run(invocation: Invocation): Promise<Answer> {
  const { arguments: words, say, signal, terminal } = invocation;
  const report = await testOf(await invocation.config(), { revision: words[0] }, { say, signal });
  return {
    json: { ...report },
    text: textOf(report, terminal.paint),
    result: true,
    exitCode: report.counts.failed > 0 || report.problems.length > 0 ? 1 : 0,
  };
}

function textOf({ scratch, migrations, problems, counts }: TestReport, paint: Paint): string {
  const width = Math.max(...migrations.map(({ revision }) => visible(revision).length));
  const { passed, failed, notTested, irreversible } = counts;
  return [
    ...migrations.flatMap((one) => linesOf(one, { width, paint })),
    ...problems.map((problem) => formatProblem("error", problem, paint).trimEnd()),
    `${passed} passed, ${failed} failed, ${notTested} not tested${irreversible === 0 ? "" : `; ${irreversible} without a way back`}. PostgreSQL ${scratch}.`,
  ].join("\n");
}

function linesOf(
  tested: TestedMigration,
  { width, paint }: { readonly width: number; readonly paint: Paint },
): readonly string[] {
  const { revision, state, because, problems, notes } = tested;
  const name = visible(revision).padEnd(width);
  const mark = MARKS[state];
  const said = state === "passed" ? passedBy(tested) : (because ?? failedBy(tested));
  return [
    `${paint(mark.style, mark.sign)} ${name}  ${paint("dim", visible(state === "not tested" ? `not tested: ${said}` : said))}`,
    ...notes.map((note) => `    ${visible(note)}`),
    ...problems.flatMap((problem) =>
      formatProblem("error", problem, paint)
        .trimEnd()
        .split("\n")
        .map((line) => `    ${line}`),
    ),
  ];
}

function failedBy({ failedAt }: TestedMigration): string {
  return failedAt === null ? "failed" : `failed ${STEPS[failedAt]}`;
}

const STEPS: Readonly<Record<TestStep, string>> = {
  before: "before it went up (`-- before`)",
  up: "on its way up",
  after: "after it went up (`-- after`)",
  down: "on its way down",
  reverted: "after its way down (`-- reverted`)",
  "up again": "when it went up again",
};

const MARKS = {
  passed: { sign: "✓", style: "green" },
  failed: { sign: "✗", style: "red" },
  "not tested": { sign: "?", style: "yellow" },
} as const;

function passedBy({ reversible, repeated, expectations }: TestedMigration): string {
  const ways = repeated ? "up twice" : reversible ? "up, down, up" : "up; it has no way back";
  if (expectations === 0) return ways;
  return `${ways}; ${expectations} ${expectations === 1 ? "expectation holds" : "expectations hold"}`;
}
