/** Takes values out of a sentence of the server, or of one that user code has raised, and leaves its words. */
import { namesSecret } from "../core/sql/about-secrets.ts";
import { fillIn, MOST_VALUES, type Sayings, wordiness } from "../core/sql/raised.ts";
import { fold, nextToken } from "../core/sql/tokens.ts";

export const HIDDEN = "***";

/**
 * A sentence that user code has raised. It is matched with the author's own words. Where these are not known, as those
 * of a function that the database has, everything goes that is no plain word or a name.
 */
export function withoutRaised(said: string, sayings: readonly Sayings[]): string {
  let best: string | null = null;
  let most = -1;
  for (const { templates } of sayings)
    for (const template of templates) {
      const words = wordiness(template);
      if (words <= most) continue;
      const filled = fillIn(template, said);
      if (filled !== null) [best, most] = [filled, words];
    }
  return best ?? proseOf(said, sayings);
}

/** Whether the author's words of a statement may have made this sentence. */
export function isSaidBy(said: string, { templates }: Sayings): boolean {
  return templates.some((template) => wordiness(template) > 0 && fillIn(template, said) !== null);
}

/** The plain words of a sentence, and the names that the statement has as well. */
export function proseOf(said: string, sayings: readonly Sayings[]): string {
  const isName = (word: string) => sayings.some(({ names }) => names.has(word));
  let isValue = false;
  return hideQuoted(said, isName).replace(/[^\s]+/g, (written) => {
    const [, before = "", word = "", after = ""] = /^([("'[]*)(.*?)([)"'\].,:;!?]*)$/s.exec(written) ?? [];
    const wasValue = isValue && !JOINS.has(word.toLowerCase());
    isValue = namesSecret(word) || (isValue && JOINS.has(word.toLowerCase()) && word !== "");
    if (word === "" || word === HIDDEN || isName(word)) return written;
    if (!wasValue && /^\p{Lu}?\p{Ll}+(?:[-']\p{Ll}+)*$/u.test(word)) return written;
    return `${before}${HIDDEN}${after}`;
  });
}

/** Words between the name of a secret and what is said of it. */
const JOINS: ReadonlySet<string> = new Set(
  "a already an and are as at be by can cannot does expired failed for from given has have in invalid is may must missing need needs not of on or required should than that the to too twice used was weak were will with wrong".split(
    " ",
  ),
);

/**
 * The text without these values. One of three characters or fewer is only found between quotes or brackets, because it
 * is also a part of words.
 */
export function withoutValues(text: string, values: ReadonlySet<string>, kept: ReadonlySet<string>): string {
  const looked = text.slice(0, MOST_LOOKED);
  let shown = looked;
  if (values.size >= MOST_VALUES) shown = hideQuoted(shown, (word) => kept.has(word));
  for (const value of values) {
    if (kept.has(value) || !shown.includes(value)) continue;
    shown = replaceAlone(shown, value);
  }
  return shown === looked ? text : shown + text.slice(MOST_LOOKED);
}

/** In characters. What follows them is never shown. */
const MOST_LOOKED = 64_000;

function replaceAlone(text: string, value: string): string {
  const isShort = value.length < 4;
  const before = /^\w/.test(value) ? /\w$/ : null;
  const after = /\w$/.test(value) ? /^\w/ : null;
  let shown = "";
  let copied = 0;
  for (let at = text.indexOf(value); at !== -1; at = text.indexOf(value, at + value.length)) {
    const [left, right] = [text.charAt(at - 1), text.charAt(at + value.length)];
    if (isShort ? !(OPENS.test(left) && CLOSES.test(right)) : before?.test(left) || after?.test(right))
      continue;
    shown += `${text.slice(copied, at)}${HIDDEN}`;
    copied = at + value.length;
  }
  return shown + text.slice(copied);
}

const OPENS = /["'«»„“”(=]/;
const CLOSES = /["'«»„“”),]/;

/** What stands between quotes, of any language: `invalid input syntax for type uuid: "…"`. */
export function hideQuoted(text: string, isKept: (content: string) => boolean = () => false): string {
  const quotes = text.match(/"/g)?.length ?? 0;
  // A quote in the value: then nobody knows where it ends.
  const plain = quotes > 2 && quotes % 2 === 1 ? /"[\s\S]*"/g : /"([^"]*)"/g;
  const hide = (written: string, content = "") => (isKept(content) ? written : `"${HIDDEN}"`);
  return text.replace(plain, hide).replace(OTHER_QUOTES, (written) => hide(written, written.slice(1, -1)));
}

const OTHER_QUOTES = /(?<!\w)'[^']*'(?!\w)|[«»][^«»]*[«»]|[„“][^„“”]*[“”]/g;
/** The text of a statement without the names that are not kept. */
export function withoutNames(statement: string, isKept: (name: string) => boolean): string {
  let shown = "";
  let end = 0;
  for (let token = nextToken(statement, 0); token !== null; token = nextToken(statement, end)) {
    const written = statement.slice(token.start, token.end);
    const name =
      token.kind === "word" ? fold(written) : token.kind === "quoted" ? written.slice(1, -1) : null;
    shown += statement.slice(end, token.start) + (name === null || isKept(name) ? written : HIDDEN);
    end = token.end;
  }
  return shown + statement.slice(end);
}
