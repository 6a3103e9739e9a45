/**
 * What the server repeats of the users' data when it refuses a statement or gives notice. Rows are theirs, and so is a
 * value that a statement about secrets was handed: both go before anybody keeps the words. What explains them stays.
 */
import { isAboutSecrets, namesSecret } from "../core/sql/about-secrets.ts";
import { sayingsOf } from "../core/sql/raised.ts";
import { hideSecrets, secretsOf } from "../core/sql/secrets.ts";
import { DatabaseError } from "../errors.ts";
import { utf16Offset } from "../std/text.ts";
import { HIDDEN, hideQuoted, proseOf, withoutNames, withoutRaised, withoutValues } from "./private-words.ts";
import { knownOf, madeIn, readingOf, rememberQuoted, type Sent } from "./sent.ts";
import { isOfUserCode } from "./sqlstate.ts";

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
  readonly schema?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
}

type Private = Pick<Words, "message" | "detail" | "hint" | "where">;
type Named = Pick<Words, "schema" | "table" | "column" | "constraint">;

/** The words of an error without data. */
export function withoutData(error: Words, sent: Sent): Private & Named {
  const { message, code, detail, hint, where } = error;
  rememberQuoted(sent.text, [message, detail, hint, where].join("\n"));
  const words: Private = {
    message,
    ...(detail === undefined ? {} : { detail: hasRow(error) ? hideRow(detail) : detail }),
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where: hideInContext(where) }),
  };
  if (OURS.test(code ?? "")) return words;
  const { before = [] } = sent;
  const [late] = isPutOff(error, sent) ? before.filter((one) => one.open && isAboutIn(one)) : [];
  const answered = late ?? sent;
  // It comes from inside of something that an earlier text has made.
  const made = where === undefined ? [] : madeIn(where, before);
  const read = readingOf(answered);
  const own = late === undefined ? statementOf(error, read) : null;
  const raised = isOfUsers(error);
  const isAbout =
    late !== undefined ||
    answered.secret === true ||
    (own === null ? read.isAbout() : isAboutSecrets(own)) ||
    namesSecret(where ?? "") ||
    (where !== undefined && read.isAbout()) ||
    made.some(isAboutIn) ||
    (raised && read.isAboutRaised([message, detail, hint].join("\n")));
  if (!isAbout) return words;
  const sayings = [...read.sayings(), ...made.flatMap((one) => readingOf(one).sayings())];
  const inside = where !== undefined || own === null;
  const { values, kept } = knownOf(inside ? sayings : [sayingsOf(own)], answered.values);
  const without = (text: string) => withoutValues(text, values, kept);
  const isName = (content: string) => content.split(".").every((part) => kept.has(part));
  if (raised) {
    const named = {
      schema: error.schema,
      table: error.table,
      column: error.column,
      constraint: error.constraint,
    };
    const given = Object.entries(named).filter(([, name]) => name !== undefined && !isName(name));
    return {
      ...mapped(words, (text, key) =>
        key === "where" ? contextOf(without(text), isName) : without(withoutRaised(text, sayings)),
      ),
      ...Object.fromEntries(given.map(([key]) => [key, HIDDEN])),
    };
  }
  if (code?.startsWith("22"))
    return mapped(words, (text, key) =>
      key === "where" ? hideAnswers(without(text)) : hideQuoted(without(text)),
    );
  const shown = (text: string) => {
    if (where === undefined) return NAMES_OF_OTHERS.test(code ?? "") ? text : hideQuoted(text, isName);
    // Of a statement that was made while it ran, the message repeats what nobody has seen.
    return /^(?:23|40|53|55|57)/.test(code ?? "") ? text : proseOf(text, sayings);
  };
  return mapped(words, (text, key) => {
    if (key === "where") return contextOf(without(text).replace(ANSWERS, `$1${HIDDEN}`), isName);
    if (key === "detail") return without(text.replace(KEY_VALUES, `)=(${HIDDEN})`));
    return key === "message" ? shown(without(text)) : without(text);
  });
}

/** An error from inside of a function that the file has made, perhaps in an earlier run. `text`: the file's. */
export function withoutDataOf(error: DatabaseError, text: string): DatabaseError {
  const { message, hint, sqlState, routine, position, completed } = error;
  const { where, detail, ...facts } = error.details ?? {};
  if (typeof where !== "string" || !madeIn(where, [{ text }]).some(isAboutIn)) return error;
  const given = { ...(hint === undefined ? {} : { hint }), ...(routine === undefined ? {} : { routine }) };
  const told = {
    message,
    where,
    code: sqlState ?? "",
    ...(typeof detail === "string" ? { detail } : {}),
    ...given,
  };
  const words = withoutData(told, { text: "", before: [{ text, open: false }] });
  const details = {
    ...facts,
    ...(words.detail === undefined ? {} : { detail: words.detail }),
    where: words.where,
  };
  const { message: said, hint: advice } = words;
  const problem = { code: error.code, message: said, hint: advice, details } as ConstructorParameters<
    typeof DatabaseError
  >[0];
  return new DatabaseError(problem, { sqlState, routine, position, completed });
}

/** A COMMIT carries out what was put off: constraints and triggers. */
function isPutOff({ position }: Words, { text }: Sent): boolean {
  return position === undefined && /\bcommit\b|\bset\s+constraints\b/i.test(text.slice(-MOST_OF_COMMIT));
}

/** In characters. Our own statements in front of a COMMIT are short. */
const MOST_OF_COMMIT = 4_000;

function isAboutIn(sent: Sent): boolean {
  return sent.secret === true || readingOf(sent).isAbout();
}

/** `SQL statement "…"` without names that the author has not written. */
function contextOf(where: string, isName: (content: string) => boolean): string {
  return where.replace(
    /(^|\n)(SQL[^"\n]{1,80} ")([\s\S]*?)(?="(?:\n|$))/g,
    (_, start, head, text: string) => {
      return `${start}${head}${withoutNames(text, isName)}`;
    },
  );
}

/** Their messages name what is in the catalog, or nothing: constraints, objects that are there already, the server's state. */
const NAMES_OF_OTHERS = /^(?:23|2B|40|53|55|57|42P0[3-7]|42501|42701|42710|42712|42723)/;

function mapped(words: Private, change: (text: string, key: string) => string): Private {
  return Object.fromEntries(
    Object.entries(words).map(([key, text]) => [key, change(text, key)]),
  ) as unknown as Private;
}

/** `RAISE` and `ASSERT` of PL/pgSQL, and what other languages raise. */
function isOfUsers({ code, routine }: Words): boolean {
  return isOfUserCode(routine) || code === "P0001" || code === "P0004";
}

/** What the statements of a run raise themselves: their words name revisions, tables and indexes, and hold no value. */
const OURS = /^GW\d{3}$/;

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
