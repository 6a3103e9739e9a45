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
  if (isFileCopy(text) || calls(text, FILE_FUNCTIONS) || isBlockWithFiles(text))
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
  { because: "it changes the settings of a server, and not a database", starts: ["alter system"] },
  {
    because: "a tablespace is a folder of the server's machine",
    lacks: "tablespace",
    starts: ["create tablespace", "alter tablespace", "drop tablespace"],
  },
];

/** Why not all that a statement does can be seen, though it is carried out. `null`: it can. */
export function understandingOf(
  text: string,
  { inTransaction }: { readonly inTransaction: boolean },
): string | null {
  const starts = (word: string) => accept({ text, at: 0 }, word);
  if (starts("do") && hasWord(text, "exception", "deep"))
    return "a block with EXCEPTION gives back the locks of what it undoes, before anybody can look";
  if (inTransaction) return null;
  if (starts("call") || starts("do"))
    return "it commits by itself, and the locks of its transactions are not all seen";
  if (starts("vacuum") && hasWord(text, "skip_locked"))
    return "it passes over tables that are locked, so its own locks can't be made to wait";
  if (
    starts("reindex") &&
    (hasWord(text, "system") || hasWord(text, "database")) &&
    !hasWord(text, "concurrently")
  )
    return "it may lock the tables of the server itself, which every session reads";
  if ((starts("vacuum") || starts("cluster")) && /\bpg_[a-z]/i.test(text))
    return "it may lock the tables of the server itself, which every session reads";
  return null;
}

/** `BEGIN`, `SET`, `COMMIT`: what only says how the others run; and what is refused outside a transaction. */
export function isControl(text: string): boolean {
  return CONTROL.some((words) => accept({ text, at: 0 }, ...words.split(" ")));
}

const CONTROL = [
  ...["set", "reset", "begin", "start", "savepoint", "release", "rollback", "commit", "end", "abort", "show"],
  ...["prepare transaction", "discard", "deallocate", "checkpoint", "listen", "unlisten", "notify"],
];

/** Whether it may be put into a transaction to look at it. Outside of one these would fail. */
export function mayBeWrapped(text: string): boolean {
  return !isControl(text) && !["lock", "declare"].some((word) => accept({ text, at: 0 }, word));
}

/** `deep`: in its strings too. */
function hasWord(text: string, word: string, where: "words" | "deep" = "words"): boolean {
  if (where === "deep") return new RegExp(`\\b${word}\\b`, "i").test(text);
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end))
    if (token.kind === "word" && text.slice(token.start, token.end).toLowerCase() === word) return true;
  return false;
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

const FILE_FUNCTIONS = /^lo_(import|export)$/;

/** `DO`: what it executes is in its strings. */
function isBlockWithFiles(text: string): boolean {
  if (!accept({ text, at: 0 }, "do")) return false;
  return /\bcopy\b[^;]*\bprogram\b/i.test(text) || /\blo_(import|export)\s*\(/i.test(text);
}

function calls(text: string, name: RegExp): boolean {
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end))
    if (token.kind === "word" && name.test(text.slice(token.start, token.end).toLowerCase())) return true;
  return false;
}
