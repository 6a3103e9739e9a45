/**
 * Sends one step: what opens it, the author's text, and what closes it. Where a transaction may span messages these are three
 * messages that nobody waits for in between (`frame.ts` says why that is safe). Where it may not, they are one.
 */
import { splitStatements } from "../../core/sql/statements.ts";
import type { Connection, Result } from "../../database/connection.ts";
import { DatabaseError } from "../../errors.ts";
import { codePointOffset } from "../../std/text.ts";
import { CALM } from "../session/settings.ts";
import type { StepFrame } from "./frame.ts";

/** The results of what closes the step; or the first error, and whether it is one of the author's text. */
export type Sent =
  | { readonly closed: readonly Result[] }
  | { readonly error: unknown; readonly ofText: boolean };

export function sendStep(connection: Connection, frame: StepFrame, text: string): Promise<Sent> {
  return connection.capabilities.spanning
    ? inThreeMessages(connection, frame, text)
    : inOneMessage(connection, frame, text);
}

async function inThreeMessages(
  connection: Connection,
  { open, close }: StepFrame,
  text: string,
): Promise<Sent> {
  const messages = [
    connection.execute(open),
    connection.execute(text, { rows: "discard" }),
    needsCalm(text) ? connection.execute(CALM) : undefined,
    connection.execute(close),
  ];
  const [opened, ran, calmed, closed] = await Promise.allSettled(messages);
  if (ran?.status === "rejected" && opened?.status === "fulfilled")
    return { error: ran.reason, ofText: true };
  for (const own of [opened, calmed, closed])
    if (own?.status === "rejected") return { error: own.reason, ofText: false };
  return { closed: (closed as PromiseFulfilledResult<readonly Result[]>).value };
}

/** The server runs the message as a whole only if it can read all of it, and stops at the first error. */
async function inOneMessage(connection: Connection, { open, close }: StepFrame, text: string): Promise<Sent> {
  const before = `${open};\n`;
  const after = `\n;${needsCalm(text) ? `${CALM};` : ""} ${close}`;
  const count = (sql: string) => splitStatements(sql).length;
  try {
    const results = await connection.execute(`${before}${text}${after}`, { rows: "discard" });
    return { closed: results.slice(-count(close)) };
  } catch (error) {
    if (!(error instanceof DatabaseError)) return { error, ofText: false };
    const start = codePointOffset(before, before.length);
    const length = codePointOffset(text, text.length);
    const { position, completed = 0 } = error;
    const [first, statements] = [count(before), count(text)];
    const ofText =
      position === undefined
        ? completed >= first && completed < first + statements
        : position > start && position <= start + length + 1;
    return { error: ofText ? error.within({ characters: start, statements: first }) : error, ofText };
  }
}

/** The author's timeout must not end our own words. */
function needsCalm(text: string): boolean {
  return /timeout/i.test(text);
}
