/** What a rehearsal must not do, because it reaches beyond the scratch server; and what it cannot see. Pure. */
import { accept } from "../core/sql/cursor.ts";
import { nextToken } from "../core/sql/tokens.ts";

/** Why a statement is not run on the scratch server. `null`: it is. */
export function whyNotRun(text: string): string | null {
  for (const [reason, ...starts] of BEYOND)
    if (starts.some((words) => accept({ text, at: 0 }, ...words.split(" ")))) return reason;
  if (accept({ text, at: 0 }, "copy") && hasWord(text, "program")) return "it starts a program on the server";
  if (hasWord(text, /^dblink/)) return "dblink reaches another server";
  return null;
}

const BEYOND: readonly (readonly [reason: string, ...starts: string[]])[] = [
  ["a subscription reaches another server", "create subscription", "alter subscription", "drop subscription"],
  ["it reads the tables of another server", "import foreign schema"],
  [
    "a tablespace is a folder of the server's machine",
    "create tablespace",
    "alter tablespace",
    "drop tablespace",
  ],
];

/** Why not all that a statement outside a transaction does can be seen. `null`: it can. */
export function understandingOf(text: string): string | null {
  if (accept({ text, at: 0 }, "call") || accept({ text, at: 0 }, "do"))
    return "it commits by itself, and the locks of its transactions are not all seen";
  return null;
}

function hasWord(text: string, wanted: string | RegExp): boolean {
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    if (token.kind !== "word") continue;
    const word = text.slice(token.start, token.end).toLowerCase();
    if (typeof wanted === "string" ? word === wanted : wanted.test(word)) return true;
  }
  return false;
}
