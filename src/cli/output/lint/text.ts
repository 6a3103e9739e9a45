/** Findings for people. */
import { LEVELS, type Level, type LintFinding } from "../../../analysis/finding.ts";
import type { Linted } from "../../../run/lint.ts";
import { redact } from "../../../std/secret.ts";
import { visible, visibleWithin } from "../../../std/visible.ts";
import type { Paint } from "../problems.ts";
import { pathFrom } from "./path.ts";

const COLOURS = { error: "red", warning: "yellow", hint: "cyan" } as const;
/** More lines than this tell nobody more. JSON has all of them. */
const MOST_UNREAD = 10;

export function lintText(linted: Linted, { root, paint }: { root: string; paint: Paint }): string {
  const { findings, notUnderstood, folder } = linted;
  const unread = notUnderstood.slice(0, MOST_UNREAD).map((each) => {
    const place = `${pathFrom(root, folder, each)}:${each.line}`;
    return `${paint("dim", "not understood:")} ${visible(place)}: ${each.what}`;
  });
  const more = notUnderstood.length - unread.length;
  return [
    ...findings.map((finding) => findingText(finding, { root, folder, paint })),
    ...unread,
    ...(more > 0 ? [`${paint("dim", "not understood:")} ${more} more`] : []),
    ...summaryLines(linted),
  ].join("\n");
}

/** What was linted, and with which rules. The last line counts. */
export function summaryLines(linted: Linted): readonly string[] {
  const { squawk } = linted;
  return [
    ...(squawk.used ? [] : [`The rules of Squawk were not used: ${visibleWithin(squawk.why)}.`]),
    ...scopeLine(linted),
    countLine(linted),
  ];
}

function findingText(
  finding: LintFinding,
  { root, folder, paint }: { root: string; folder: string; paint: Paint },
): string {
  const { level, message, hint, rule, line, column, excerpt } = finding;
  const place = `${pathFrom(root, folder, finding)}:${line}:${column}`;
  return [
    `${paint(COLOURS[level], `${level}:`)} ${visibleWithin(redact(message))} ${paint("dim", `[${rule}]`)}`,
    `  at ${visible(place)}`,
    ...(excerpt === null ? [] : [redact(excerpt)]),
    ...(hint === null ? [] : [`${paint("cyan", "→")} ${visibleWithin(redact(hint))}`]),
    "",
  ].join("\n");
}

function scopeLine({ scope, because }: Linted): readonly string[] {
  if (because !== null && scope === "pending")
    return [
      `Of some targets all files were linted, because ${because}; of the others what is pending or changed.`,
    ];
  if (because !== null) return [`All files were linted, because ${because}.`];
  return scope === "pending" ? ["Only pending and changed files were linted (--all lints all)."] : [];
}

function countLine({ files, statements, notUnderstood, findings, waived }: Linted): string {
  const counts = LEVELS.map((level) => many(findings.filter((one) => one.level === level).length, level));
  return [
    `${many(files, "file")}, ${many(statements, "statement")} linted, ${notUnderstood.length} not understood`,
    `${counts.join(", ")}${waived === 0 ? "" : `, ${waived} waived`}.`,
  ].join(": ");
}

function many(count: number, what: string | Level): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
