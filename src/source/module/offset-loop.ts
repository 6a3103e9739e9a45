/**
 * Finds a loop of a module that pages by OFFSET over rows that it changes. A row that is changed matches its condition no
 * longer, and the rows behind it move up. So the next page begins too late, and about half of the rows are skipped. Pure.
 */
import { identifierValue, uescaped } from "../../core/sql/literals.ts";
import { fold, type Token, tokenize } from "../../core/sql/tokens.ts";
import type { Problem } from "../../errors.ts";
import { placeAt } from "../place.ts";
import { type QuotedText, quotedTexts } from "./texts.ts";

interface Page {
  readonly table: string;
  /** The words of its condition. */
  readonly asks: ReadonlySet<string>;
  /** Where OFFSET stands in the file. */
  readonly start: number;
}

interface Change {
  readonly table: string;
  /** The columns that are set. `null`: the rows are deleted. */
  readonly sets: ReadonlySet<string> | null;
}

/** What is said of it before it runs. `null`: there is no such loop. */
export function offsetLoop(file: string, code: string): Problem | null {
  if (!/offset/i.test(code)) return null;
  const texts = quotedTexts(code).map((quoted) => ({ quoted, words: wordsOf(quoted) }));
  const changes = texts.flatMap(({ words }) => changeOf(words) ?? []);
  for (const { quoted, words } of texts) {
    const page = pageOf(words, quoted);
    if (page === null) continue;
    for (const { table, sets } of changes) {
      if (table !== page.table) continue;
      const column = sets === null ? null : [...sets].find((name) => page.asks.has(name));
      if (column === undefined) continue;
      const what =
        column === null
          ? "whose rows it deletes"
          : `and changes ${column}, which the condition of its pages asks for`;
      return {
        code: "SOURCE_OFFSET_LOOP",
        message: `${file} pages ${table} by OFFSET, ${what}: rows move up meanwhile, and about half of them are skipped.`,
        hint: `Make it a backfill, which pages by key: export default backfill({ table: "${table}", … }). In a loop of your own: where id > $1 order by id limit 1000, without OFFSET.`,
        place: placeAt(file, code, page.start),
      };
    }
  }
  return null;
}

interface Word {
  readonly text: string;
  readonly token: Token;
}

/** Words folded, quoted names as they are stored, other tokens as they stand. */
function wordsOf({ text }: QuotedText): readonly Word[] {
  return tokenize(text).map((token) => {
    const written = text.slice(token.start, token.end);
    return { token, text: token.kind === "quoted" ? identifierValue(uescaped(text, token)) : fold(written) };
  });
}

/** The name that begins at a word, without its schema. */
function nameAt(words: readonly Word[], at: number): string | undefined {
  return words[at + 1]?.text === "." ? words[at + 2]?.text : words[at]?.text;
}

function pageOf(words: readonly Word[], { offsets }: QuotedText): Page | null {
  const offset = words.findIndex(
    ({ text }, at) => text === "offset" && words[at + 1] !== undefined && words[at + 1]?.text !== "0",
  );
  const from = words.findIndex(({ text }) => text === "from");
  const table = from === -1 ? undefined : nameAt(words, from + 1);
  if (offset < from || table === undefined) return null;
  const where = words.findIndex(({ text }) => text === "where");
  const asked = where === -1 ? [] : words.slice(where + 1);
  const end = asked.findIndex(({ text }) => text === "order" || text === "limit" || text === "offset");
  return {
    table,
    asks: new Set(asked.slice(0, end).map(({ text }) => text)),
    start: offsets[words[offset]?.token.start ?? 0] ?? 0,
  };
}

function changeOf(words: readonly Word[]): Change | null {
  const [first, second] = words;
  if (first?.text === "delete" && second?.text === "from") {
    const table = nameAt(words, 2);
    return table === undefined ? null : { table, sets: null };
  }
  const set = words.findIndex(({ text }) => text === "set");
  if (first?.text !== "update" || set === -1) return null;
  const table = nameAt(words, second?.text === "only" ? 2 : 1);
  const end = words.findIndex(({ text }, at) => at > set && (text === "where" || text === "from"));
  const assigned = words.slice(set + 1, end === -1 ? undefined : end);
  const sets = assigned.flatMap(({ text }, at) => (assigned[at + 1]?.text === "=" ? [text] : []));
  return table === undefined ? null : { table, sets: new Set(sets) };
}
