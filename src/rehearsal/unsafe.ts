/** What a rehearsal must not do, because it reaches beyond the scratch server; and what it cannot see. Pure. */
import { accept } from "../core/sql/cursor.ts";
import { nextToken } from "../core/sql/tokens.ts";

export interface Refused {
  readonly because: string;
  /** What later statements may miss. `null`: nothing is made that others could need. */
  readonly lacks: string | null;
}

/** Why a statement is not run on the scratch server. `null`: it is. */
export function whyNotRun(text: string): Refused | null {
  for (const { because, lacks = null, starts } of BEYOND)
    if (starts.some((words) => accept({ text, at: 0 }, ...words.split(" ")))) return { because, lacks };
  if (isFileCopy(text))
    return { because: "it reads or writes a file or a program of the server's machine", lacks: null };
  if (calls(text, /^dblink/)) return { because: "dblink reaches another server", lacks: null };
  return null;
}

interface Beyond {
  readonly because: string;
  readonly lacks?: string;
  readonly starts: readonly string[];
}

/** Behind a foreign server stands a real one, and whoever reads a foreign table reaches it. */
const BEYOND: readonly Beyond[] = [
  {
    because: "a foreign server is another server",
    lacks: "foreign server",
    starts: [
      "create server",
      "alter server",
      "drop server",
      "create user mapping",
      "alter user mapping",
      "drop user mapping",
      "import foreign schema",
    ],
  },
  {
    because: "dblink reaches another server",
    lacks: "dblink",
    starts: ["create extension dblink", "create extension if not exists dblink"],
  },
  {
    because: "a subscription reaches another server",
    starts: ["create subscription", "alter subscription", "drop subscription"],
  },
  {
    because: "a tablespace is a folder of the server's machine",
    lacks: "tablespace",
    starts: ["create tablespace", "alter tablespace", "drop tablespace"],
  },
];

/** Why not all that a statement outside a transaction does can be seen. `null`: it can. */
export function understandingOf(text: string): string | null {
  if (accept({ text, at: 0 }, "call") || accept({ text, at: 0 }, "do"))
    return "it commits by itself, and the locks of its transactions are not all seen";
  return null;
}

/** `COPY … FROM '/path'` and `COPY … TO PROGRAM '…'`. */
function isFileCopy(text: string): boolean {
  if (!accept({ text, at: 0 }, "copy")) return false;
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const cursor = { text, at: token.start };
    if (token.kind !== "word" || !(accept(cursor, "from") || accept(cursor, "to"))) continue;
    const next = nextToken(text, cursor.at);
    if (next?.kind === "string" || next?.kind === "dollar" || accept(cursor, "program")) return true;
  }
  return false;
}

function calls(text: string, name: RegExp): boolean {
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end))
    if (token.kind === "word" && name.test(text.slice(token.start, token.end).toLowerCase())) return true;
  return false;
}
