/** The list of duplicates as text for a terminal. Values in, text out. */

import { whole } from "../std/number.ts";
import type { DuplicateFile, DuplicateGroup, Duplicates, GroupKind } from "./duplicates.ts";
import {
  bestOf,
  bytes,
  copiesOf,
  count,
  differenceOf,
  distinctCommand,
  KIND_TITLES,
  keepCommand,
  keepOfPairCommand,
  showing,
} from "./words.ts";

/** Functions that style text. Default: text stays as it is. */
export interface TextStyle {
  readonly strong: (text: string) => string;
  readonly good: (text: string) => string;
  readonly dim: (text: string) => string;
}

/** What to run next, each in backticks. */
export interface Commands {
  /** Of several configured targets, the one that they are about. */
  readonly target?: string | undefined;
  /** Makes a contact sheet. */
  readonly sheet: string;
  /** Lists the next page. */
  readonly next: string;
  /** Makes the same list again. */
  readonly again: string;
  /** Reads the colours of stored images once more. */
  readonly colours: string;
}

const PLAIN: TextStyle = { strong: asItIs, good: asItIs, dim: asItIs };

/**
 * Formats a list of duplicates for a terminal.
 *
 * @example process.stdout.write(formatGroups(await findDuplicates(connection, schema), commands))
 */
export function formatGroups(duplicates: Duplicates, commands: Commands, style: TextStyle = PLAIN): string {
  const { groups, review, counts } = duplicates;
  const lines: string[] = [];
  for (const kind of ["exact", "same"] as const) {
    const own = groups.filter((group) => group.kind === kind);
    if (own.length === 0) continue;
    lines.push(style.strong(titleOf(kind, counts[kind])), "");
    for (const group of own) lines.push(...groupLines(group, commands, style), "");
  }
  if (review.length > 0) {
    lines.push(style.strong(`${KIND_TITLES.review}: ${count(counts.review, "pair")}`), "");
    for (const pair of review) {
      const [one, another] = pair.files;
      lines.push(
        `  ${one.id} and ${another.id}, ${differenceOf(pair)}`,
        ...fileLines(pair.files, style),
        style.dim(
          `    ${keepOfPairCommand(pair, commands.target)}   or   ${distinctCommand(pair.files, commands.target)}`,
        ),
        "",
      );
    }
  }
  lines.push(...summary(duplicates, commands));
  return `${lines.join("\n")}\n`;
}

function titleOf(kind: GroupKind, number: number): string {
  return `${KIND_TITLES[kind]}: ${count(number, "group")}`;
}

function groupLines(group: DuplicateGroup, { target }: Commands, style: TextStyle): readonly string[] {
  const more = group.size - group.files.length;
  const others =
    more === 0
      ? []
      : [
          style.dim(
            `    and ${whole(more)} more ${group.truncated ? "that are not listed" : "already decided"}`,
          ),
        ];
  const decide = group.settled
    ? "settled"
    : `${keepCommand(group, target)}   or   ${distinctCommand(group.files.slice(0, 12), target)}${group.files.length > 12 ? " …" : ""}`;
  return [
    `  Group ${group.id}, ${count(group.size, "file")}${copiesOf(group)}`,
    ...fileLines(group.files, style),
    ...others,
    ...unsureLines(group),
    style.dim(`    ${decide}`),
  ];
}

function unsureLines({ unsure }: DuplicateGroup): readonly string[] {
  if (unsure.length === 0) return [];
  return [
    `    colours not compared: ${unsure.slice(0, 12).join(" ")}${unsure.length > 12 ? " …" : ""}; --keep leaves them open unless they are named`,
  ];
}

function fileLines(files: readonly DuplicateFile[], style: TextStyle): readonly string[] {
  const rows = files.map((file) => [
    String(file.id),
    `${file.width} x ${file.height}`,
    `${file.format}${file.hasAlpha ? "+alpha" : ""}`,
    bytes(file.sizeBytes),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const best = bestOf(files);
  return files.map((file, at) => {
    const cells = (rows[at] ?? []).map((cell, column) =>
      column === 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    const mark = file.kept ? "kept" : file === best ? "suggested" : "";
    const line = `    ${file === best || file.kept ? "*" : " "} ${cells.join("  ")}  ${printable(`${file.import}: ${file.path}`)}`;
    return mark === "" ? line : `${style.good(line)}  (${mark})`;
  });
}

function summary(duplicates: Duplicates, commands: Commands): readonly string[] {
  const { counts, page } = duplicates;
  const open = counts.exact + counts.same;
  const found =
    open + counts.review === 0
      ? `No duplicates to decide about among ${count(counts.files, "file")}.`
      : `${count(counts.files, "file")}: ${count(counts.exact, "group")} of exact copies, ${whole(counts.same)} of the same design (${count(counts.surplus, "file")} to spare), ${count(counts.review, "pair")} for review.`;
  return [
    found,
    ...(counts.unsure > 0
      ? [
          `The colours of ${count(counts.unsure, "file")} are not known, because an earlier release read them. To read them once more: ${commands.colours}`,
        ]
      : []),
    ...(counts.settled > 0 ? [`${count(counts.settled, "group is", "groups are")} settled.`] : []),
    ...(counts.pending > 0
      ? [`${count(counts.pending, "look waits", "looks wait")} to be compared: run ${commands.again} again.`]
      : []),
    ...(counts.crowded > 0
      ? [
          `${count(counts.crowded, "look has", "looks have")} so many near ones that only the nearest are known.`,
        ]
      : []),
    ...showing(duplicates),
    ...(page.offset + page.limit < Math.max(page.groups, page.pairs) ? [`Next: ${commands.next}`] : []),
    ...(open + counts.review > 0 ? [`To judge by looking: ${commands.sheet}`] : []),
  ];
}

/** Replaces control characters, which a name may hold and a terminal would obey. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

function asItIs(text: string): string {
  return text;
}
