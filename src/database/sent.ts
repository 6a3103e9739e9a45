/** A text that the server was sent, and what it tells of secrets. */
import { isAboutSecrets, namesSecret } from "../core/sql/about-secrets.ts";
import { MOST_VALUES, type Sayings, sayingsOf } from "../core/sql/raised.ts";
import { secretsOf } from "../core/sql/secrets.ts";
import { type Statement, splitStatements } from "../core/sql/statements.ts";
import { remember } from "../std/secret.ts";
import { isSaidBy } from "./private-words.ts";

/** What the server was sent, in whose own words it may answer. */
export interface Sent {
  readonly text: string;
  /** The values of its parameters. */
  readonly values?: readonly unknown[];
  /** Who sends it speaks of secrets, whatever the text says. */
  readonly secret?: boolean | undefined;
  /** Earlier texts of the session, the newest first. */
  readonly before?: readonly Before[] | undefined;
}

export interface Before extends Sent {
  /** It is in the same transaction, whose COMMIT does what it has put off. */
  readonly open: boolean;
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

/** Those of the texts that have made a function which the context of an error names. */
export function madeIn(where: string, texts: readonly Sent[]): readonly Sent[] {
  return texts.filter(({ text }) =>
    [...text.matchAll(MAKES)].some(([, name = ""]) => name.length > 1 && where.includes(name)),
  );
}

const MAKES = /\b(?:function|procedure)\s{1,20}(?:"?\w{1,63}"?\.)?"?(\w{1,63})/gi;

/** What is found out about a text is found out once, and only if the server says something. */
export function readingOf({ text }: Sent) {
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
export function knownOf(sayings: readonly Sayings[], bound: readonly unknown[] | undefined) {
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
