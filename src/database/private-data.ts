/**
 * What the server repeats of the users' data when it refuses a statement or gives notice. Rows are theirs, and so is a
 * value that a statement about secrets was handed: both go before anybody keeps the words. What explains them stays.
 */
import { isAboutSecrets, namesSecret } from "../core/sql/about-secrets.ts";
import { MOST_VALUES, type Sayings, sayingsOf } from "../core/sql/raised.ts";
import { hideSecrets, secretsOf } from "../core/sql/secrets.ts";
import { type Statement, splitStatements } from "../core/sql/statements.ts";
import { remember } from "../std/secret.ts";
import { utf16Offset } from "../std/text.ts";
import { hideQuoted, isSaidBy, proseOf, withoutRaised, withoutValues } from "./private-words.ts";

/** What of the driver's error is in its words. */
export interface Words {
  readonly message: string;
  readonly code?: string;
  readonly position?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly where?: string;
  readonly routine?: string;
  readonly completed?: number;
}

/** What the server was sent, in whose own words it may answer. */
export interface Sent {
  readonly text: string;
  /** The values of its parameters. */
  readonly values?: readonly unknown[];
  /** Who sends it speaks of secrets, whatever the text says. */
  readonly secret?: boolean | undefined;
}

type Private = Pick<Words, "message" | "detail" | "hint" | "where">;

/** The words of an error without data. */
export function withoutData(error: Words, sent: Sent): Private {
  const { message, code, detail, hint, where } = error;
  rememberQuoted(sent.text, [message, detail, hint, where].join("\n"));
  const words: Private = {
    message,
    ...(detail === undefined ? {} : { detail: hasRow(error) ? hideRow(detail) : detail }),
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where: hideInContext(where) }),
  };
  const read = readingOf(sent);
  const own = statementOf(error, read);
  const raised = isOfUsers(error);
  const isAbout =
    sent.secret === true ||
    (own === null ? read.isAbout() : isAboutSecrets(own)) ||
    namesSecret(where ?? "") ||
    (raised && read.isAboutRaised([message, detail, hint].join("\n")));
  if (!isAbout) return words;
  const sayings = read.sayings();
  const { values, kept } = knownOf(own === null ? sayings : [sayingsOf(own)], sent.values);
  const without = (text: string) => withoutValues(text, values, kept);
  if (raised) {
    const shown = (text: string) => without(withoutRaised(text, sayings));
    return mapped(words, (text, key) => (key === "where" ? without(text) : shown(text)));
  }
  if (code?.startsWith("22"))
    return mapped(words, (text, key) =>
      key === "where" ? hideAnswers(without(text)) : hideQuoted(without(text)),
    );
  // Of a statement that was made while it ran, the message quotes what nobody has seen.
  const isMade = code?.startsWith("42") === true && where !== undefined;
  return mapped(words, (text, key) => {
    if (key === "where") return without(text).replace(ANSWERS, "$1***");
    if (key === "detail") return without(text.replace(KEY_VALUES, ")=(***)"));
    return key === "message" && isMade ? proseOf(without(text), sayings) : without(text);
  });
}

/** What of the text's passwords and keys the server repeats is a secret from then on. */
export function rememberQuoted(sent: string, said: string): void {
  quotesOf(sent)(said);
}

/** The same for all that the server says while one text is under way: it may say a million things, and the text is read once. */
export function quotesOf(sent: string): (said: string) => void {
  let values: readonly string[] | undefined;
  return (said) => {
    values ??= secretsOf(sent).flatMap(({ value }) => (value === null ? [] : [value]));
    for (const value of values) if (said.includes(value)) remember(value);
  };
}

export interface Heard {
  readonly message: string;
  /** The server's function that says it. */
  readonly routine?: string | undefined;
}

export interface NoticeReader {
  /** Whether the author's words in the text may have made this notice. */
  readonly isMine: (heard: Heard) => boolean;
  /** The message without data. */
  readonly withoutData: (heard: Heard) => string;
}

/** Takes the data out of the notices that come while a text is under way. */
export function noticesOf(sent: Sent): NoticeReader {
  const read = readingOf(sent);
  const quote = quotesOf(sent.text);
  let known: ReturnType<typeof knownOf> | undefined;
  return {
    isMine: ({ message, routine }) =>
      isRaisedBy(routine) && read.sayings().some((each) => isSaidBy(message, each)),
    withoutData({ message, routine }) {
      quote(message);
      const raised = isRaisedBy(routine);
      if (!(sent.secret === true || (raised ? read.isAboutRaised(message) : read.isAbout()))) return message;
      const sayings = read.sayings();
      known ??= knownOf(sayings, sent.values);
      const shown = raised ? withoutRaised(message, sayings) : message;
      return withoutValues(shown, known.values, known.kept);
    },
  };
}

/** The same where several texts are under way, and nobody knows to which of them a notice belongs. */
export function heardDuring(readers: Iterable<NoticeReader>, heard: Heard): string {
  const all = [...readers];
  const [one] = all.filter((reader) => reader.isMine(heard));
  if (one !== undefined) return one.withoutData(heard);
  return all.reduce((message, reader) => reader.withoutData({ ...heard, message }), heard.message);
}

/** What is found out about a text is found out once, and only if the server says something. */
function readingOf({ text }: Sent) {
  let statements: readonly (Statement & { readonly whole: string })[] | undefined;
  let sayings: readonly Sayings[] | undefined;
  let about: readonly boolean[] | undefined;
  const read = {
    text,
    /** `whole`: with the comments in front of it, and on its last line. */
    statements: () => {
      statements ??= splitStatements(text).map((statement, index, all) => {
        const from = all[index - 1]?.end ?? 0;
        const lineEnd = text.indexOf("\n", statement.end);
        const to = Math.min(all[index + 1]?.start ?? text.length, lineEnd === -1 ? text.length : lineEnd);
        return { ...statement, whole: text.slice(from, to) };
      });
      return statements;
    },
    sayings: () => {
      sayings ??= read.statements().map((statement) => sayingsOf(statement.text));
      return sayings;
    },
    isAbout: () => {
      about ??= read.statements().map(({ whole }) => isAboutSecrets(whole));
      return about.includes(true);
    },
    /** A block says what it is about itself. A function may be called by any statement of the text. */
    isAboutRaised: (said: string) => {
      if (namesSecret(said)) return true;
      if (!read.isAbout()) return false;
      const sayer = read
        .statements()
        .findIndex(
          (one, index) => /^do\b/i.test(one.text) && isSaidBy(said, read.sayings()[index] as Sayings),
        );
      return sayer === -1 || about?.[sayer] === true;
    },
  };
  return read;
}

/** The values that statements were handed, and their names, which no value can hide. */
function knownOf(sayings: readonly Sayings[], bound: readonly unknown[] | undefined) {
  const values = new Set(boundTexts(bound));
  for (const each of sayings)
    for (const value of each.values) if (values.size < MOST_VALUES) values.add(value);
  return { values, kept: new Set(sayings.flatMap(({ names }) => [...names])) };
}

/** The texts of bound values, and those of their elements. */
function boundTexts(values: readonly unknown[] = []): readonly string[] {
  return values.flatMap((value) => {
    if (Array.isArray(value)) return boundTexts(value);
    if (typeof value === "number" || typeof value === "bigint") return [String(value)];
    if (typeof value !== "string" || value.trim() === "") return [];
    if (!/^[{[]/.test(value)) return [value];
    return [value, ...value.matchAll(/"((?:[^"\\]|\\.)*)"|([^{}[\]",:\s]+)/g)].flatMap((found) =>
      typeof found === "string" ? found : (found[1] ?? found[2] ?? []),
    );
  });
}

function mapped(words: Private, change: (text: string, key: string) => string): Private {
  return Object.fromEntries(
    Object.entries(words).map(([key, text]) => [key, change(text, key)]),
  ) as unknown as Private;
}

/** `RAISE` and `ASSERT` of PL/pgSQL, and what other languages raise. */
function isOfUsers({ code, routine }: Words): boolean {
  return isRaisedBy(routine) || code === "P0001" || code === "P0004";
}

function isRaisedBy(routine: string | undefined): boolean {
  return (
    routine !== undefined && /^exec_stmt_(?:raise|assert)$|^PLy_|^plperl|^pltcl|^do_util_elog/.test(routine)
  );
}

/** Violations whose detail is the whole row, in any language. Of a partition it is the key alone. */
function hasRow({ code, routine }: Words): boolean {
  return WITH_ROW.has(code ?? "") && routine !== "exec_stmt_raise" && routine !== "ExecFindPartition";
}

const WITH_ROW: ReadonlySet<string> = new Set(["23502", "23514", "44000"]);

function hideRow(detail: string): string {
  return detail.replace(/\([\s\S]*\)/, "(***)");
}

/** `Key (email)=(…) already exists.` */
const KEY_VALUES = /\)=\([\s\S]*\)/;

/** `SQL statement "…"`: the text is the author's, like an excerpt. */
function hideInContext(where: string): string {
  return where.replace(/(^|\n)([^"\n]{1,80} ")([\s\S]*?)(?="(?:\n|$))/g, (_, start, head, text: string) => {
    return `${start}${head}${hideSecrets(text, secretsOf(text)).text}`;
  });
}

/** The statement that failed. `null`: nobody knows which it was. */
function statementOf(
  { completed, position }: Words,
  { text, statements }: ReturnType<typeof readingOf>,
): string | null {
  const all = statements();
  if (all.length < 2) return text;
  const at = position === undefined ? null : utf16Offset(text, Number(position) - 1);
  const own = at === null ? all[completed ?? -1] : all.find(({ start, end }) => start <= at && at <= end);
  return own?.whole ?? null;
}

/** `COPY users, line 1, column pin: "…"`, `JSON data, line 1: …`, `unnamed portal parameter $1 = '…'` */
function hideAnswers(where: string): string {
  return hideQuoted(where).replace(/^(?!PL\/)([^:\n]*: )[^\n]+$/gm, "$1***");
}

/** The same beside the text of a statement, which stays. */
const ANSWERS = /^(?!PL\/|SQL)([^:\n"]*: )[^\n]+$/gm;
