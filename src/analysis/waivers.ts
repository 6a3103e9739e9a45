/**
 * Waivers: comments `-- godwit: lint-ignore=<rule> reason="…"`. One that stands directly above a statement is about that
 * statement. One in the header of a file, with an empty line below, is about the whole file. In a module it is a comment
 * with `//`, about the line below or, above the first import, about the file.
 */
import { splitStatements } from "../core/sql/statements.ts";
import { commentsOf } from "../source/comments.ts";
import { linesOf } from "./lines.ts";

export interface Waiver {
  readonly rules: readonly string[];
  /** Empty: none is given, and the waiver counts for nothing. */
  readonly reason: string;
  /** Where it stands, as an offset of the file's text. */
  readonly at: number;
  /** The lines of the file that it is about. */
  readonly from: number;
  readonly to: number;
}

const WAIVER = /^\s*godwit:\s*lint-ignore=(\S*)(.*)$/s;
const REASON = /\breason="([^"]*)"/;

/** The waivers of the whole text of an SQL file. */
export function waiversOf(text: string): readonly Waiver[] {
  if (!text.includes("lint-ignore")) return [];
  const statements = splitStatements(text);
  const [first] = statements;
  const { lineOf: lineAt } = linesOf(text, 1);
  const waivers: Waiver[] = [];
  let ahead = 0;
  for (const { says, start, end } of commentsOf(text).comments) {
    const read = readWaiver(says);
    if (read === null) continue;
    while (ahead < statements.length && (statements[ahead]?.start ?? 0) <= start) ahead++;
    const next = statements[ahead];
    const isHeader = first === undefined || start < first.start;
    const isAbove =
      next !== undefined && !/\n[ \t]*\n|^[ \t]*--[ \t]*(?:migrate:|\+)/m.test(text.slice(end, next.start));
    if (isHeader && !isAbove) waivers.push({ ...read, at: start, from: 1, to: Number.MAX_SAFE_INTEGER });
    else if (next === undefined) waivers.push({ ...read, at: start, from: 0, to: 0 });
    else waivers.push({ ...read, at: start, from: lineAt(next.start), to: lineAt(next.end) });
  }
  return waivers;
}

const LINE = /^[ \t]*(?:\/\/|\/?\*)[ \t]*(godwit:[ \t]*lint-ignore=[^\n]*)/gm;

/** The waivers of a module. */
export function moduleWaiversOf(text: string): readonly Waiver[] {
  const { lineOf: lineAt } = linesOf(text, 1);
  const firstCode = /^(?!\s*(?:\/\/|\/?\*|$)).*\S/m.exec(text)?.index ?? text.length;
  return [...text.matchAll(LINE)].flatMap((match) => {
    const read = readWaiver(match[1] ?? "");
    if (read === null) return [];
    const line = lineAt(match.index);
    const isHeader = match.index < firstCode;
    return [
      {
        ...read,
        at: match.index,
        from: isHeader ? 1 : line + 1,
        to: isHeader ? Number.MAX_SAFE_INTEGER : line + 1,
      },
    ];
  });
}

function readWaiver(says: string): Pick<Waiver, "rules" | "reason"> | null {
  const [, rules, rest = ""] = WAIVER.exec(says) ?? [];
  if (rules === undefined) return null;
  return {
    rules: rules.split(",").filter((rule) => rule !== ""),
    reason: (REASON.exec(rest)?.[1] ?? "").trim(),
  };
}
