/**
 * What the server repeats of the users' data when it refuses a statement. Rows are theirs, and so is a value that a
 * statement about passwords was handed: both go before anybody keeps the error. What explains the error stays.
 */
import { isAboutSecrets, namesSecret } from "../core/sql/about-secrets.ts";
import { hideSecrets, secretsOf } from "../core/sql/secrets.ts";
import { splitStatements } from "../core/sql/statements.ts";
import { remember } from "../std/secret.ts";
import { utf16Offset } from "../std/text.ts";
import { isRaised } from "./sqlstate.ts";

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

type Private = Pick<Words, "message" | "detail" | "hint" | "where">;

/** The words of an error without data. `sent`: the text that the server was sent, in whose own words it may answer. */
export function withoutData(error: Words, sent: string): Private {
  const { message, code, detail, hint, where } = error;
  rememberQuoted(sent, [message, detail, hint, where].join("\n"));
  const words = {
    message,
    ...(detail === undefined ? {} : { detail: hasRow(error) ? hideRow(detail) : detail }),
    ...(hint === undefined ? {} : { hint }),
    ...(where === undefined ? {} : { where: hideInContext(where) }),
  };
  if (!code?.startsWith("22") || isRaised(error.routine)) return words;
  if (!isAboutSecrets(statementOf(error, sent)) && !namesSecret(where ?? "")) return words;
  return Object.fromEntries(
    Object.entries(words).map(([key, text]) => [key, key === "where" ? hideAnswers(text) : hideQuoted(text)]),
  ) as unknown as Private;
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

/** Violations whose detail is the whole row, in any language. Of a partition it is the key alone. */
function hasRow({ code, routine }: Words): boolean {
  return WITH_ROW.has(code ?? "") && !isRaised(routine) && routine !== "ExecFindPartition";
}

const WITH_ROW: ReadonlySet<string> = new Set(["23502", "23514", "44000"]);

function hideRow(detail: string): string {
  return detail.replace(/\([\s\S]*\)/, "(***)");
}

/** `SQL statement "…"`: the text is the author's, like an excerpt. */
function hideInContext(where: string): string {
  return where.replace(/(^|\n)([^"\n]{1,80} ")([\s\S]*?)(?="(?:\n|$))/g, (_, start, head, text: string) => {
    return `${start}${head}${hideSecrets(text, secretsOf(text)).text}`;
  });
}

function statementOf({ completed, position }: Words, sent: string): string {
  const statements = splitStatements(sent);
  if (statements.length < 2) return sent;
  if (position !== undefined) {
    const at = utf16Offset(sent, Number(position) - 1);
    return statements.find(({ start, end }) => start <= at && at <= end)?.text ?? sent;
  }
  return (completed === undefined ? undefined : statements[completed]?.text) ?? sent;
}

/** `invalid input syntax for type uuid: "…"` */
function hideQuoted(text: string): string {
  return text.replace(/(["'«»„“”])(?:(?!\1)[\s\S])*\1/g, '"***"');
}

/** `COPY users, line 1, column pin: "…"`, `JSON data, line 1: …`, `unnamed portal parameter $1 = '…'` */
function hideAnswers(where: string): string {
  return hideQuoted(where).replace(/^(?!PL\/)([^:\n]*: )[^\n]+$/gm, "$1***");
}
