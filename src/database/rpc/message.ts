/**
 * A message of several statements as requests. Each request is one transaction, so `BEGIN` and `COMMIT` are not sent: they say
 * where a request begins and ends. A transaction that a message leaves open cannot be carried out.
 */
import { accept } from "../../core/sql/cursor.ts";
import { type Statement, splitStatements } from "../../core/sql/statements.ts";
import { fold, nextToken } from "../../core/sql/tokens.ts";
import { DatabaseError } from "../../errors.ts";
import type { ExecuteOptions } from "../connection.ts";
import type { FunctionRequest } from "./exec-sql.ts";

export interface Request {
  /** What is sent, in order. */
  readonly asked: readonly FunctionRequest[];
  /** The statements of the message that these are, by number. */
  readonly places: readonly number[];
}

export interface Message {
  readonly statements: readonly Statement[];
  /** The command tag of each statement, as far as its text tells. */
  readonly commands: readonly string[];
  readonly requests: readonly Request[];
}

/** Throws `DatabaseError` (`DATABASE_NEEDS_SESSION`) where the message is not whole transactions. */
export function messageOf(text: string, rows: ExecuteOptions["rows"]): Message {
  const statements = splitStatements(text);
  const commands: string[] = [];
  const requests: Request[] = [];
  let asked: FunctionRequest[] = [];
  let places: number[] = [];
  let open = false;
  const flush = () => {
    if (asked.length > 0) requests.push({ asked, places });
    [asked, places] = [[], []];
  };
  for (const [place, { text: sql }] of statements.entries()) {
    const { command, verb, returns } = kindOf(sql);
    commands.push(command);
    switch (command) {
      case "BEGIN":
        if (open) throw needsSession("a transaction begins inside of another");
        refuseIsolation(sql);
        flush();
        open = true;
        break;
      case "COMMIT":
        flush();
        open = false;
        break;
      case "ROLLBACK":
        if (open && asked.length > 0) throw needsSession("something is tried and rolled back");
        flush();
        open = false;
        break;
      default:
        asked.push({
          sql,
          ...(rows !== "discard" && returns ? { as: PREPARABLE.has(verb) ? "prepared" : "rows" } : {}),
        });
        places.push(place);
    }
  }
  if (open) throw needsSession("a transaction spans several messages");
  flush();
  return { statements, commands, requests };
}

/** A single statement with parameters. */
export function returnsRows(sql: string): boolean {
  return kindOf(sql).returns;
}

export function commandOf(sql: string): string {
  return kindOf(sql).command;
}

const PREPARABLE = new Set(["select", "values", "table", "insert", "update", "delete", "merge"]);
const CHANGES = new Set(["insert", "update", "delete", "merge"]);
const READS = new Set(["select", "values", "table"]);
const ANSWERS = new Set(["show", "explain", "fetch", "execute"]);

interface Kind {
  readonly command: string;
  readonly verb: string;
  readonly returns: boolean;
}

function kindOf(sql: string): Kind {
  const words = wordsOutside(sql);
  const [first = ""] = words;
  if (first === "begin" || (first === "start" && words[1] === "transaction"))
    return { command: "BEGIN", verb: first, returns: false };
  if (first === "commit" || first === "end") return { command: "COMMIT", verb: first, returns: false };
  if ((first === "rollback" && !words.includes("to")) || first === "abort")
    return { command: "ROLLBACK", verb: first, returns: false };
  const verb =
    first === "with"
      ? (words.find((word) => READS.has(word) || CHANGES.has(word)) ?? "with")
      : first === ""
        ? "select"
        : first;
  const command = READS.has(verb) ? "SELECT" : verb.toUpperCase();
  if (CHANGES.has(verb)) return { command, verb, returns: words.includes("returning") };
  if (READS.has(verb)) return { command, verb, returns: !words.includes("into") };
  return { command, verb, returns: ANSWERS.has(verb) };
}

/** The words that stand in no parentheses, folded. */
function wordsOutside(sql: string): readonly string[] {
  const words: string[] = [];
  let depth = 0;
  for (let token = nextToken(sql, 0); token !== null; token = nextToken(sql, token.end)) {
    const text = sql.slice(token.start, token.end);
    if (token.kind === "punctuation") depth += text === "(" ? 1 : text === ")" ? -1 : 0;
    else if (token.kind === "word" && depth === 0) words.push(fold(text));
  }
  return words;
}

/** PostgREST begins each transaction READ COMMITTED and READ WRITE. */
function refuseIsolation(sql: string): void {
  const cursor = { text: sql, at: 0 };
  accept(cursor, "begin");
  accept(cursor, "isolation", "level", "read", "committed");
  accept(cursor, "read", "write");
  if (nextToken(sql, cursor.at) !== null) throw needsSession(`it asks for ${sql}`);
}

/** Nothing of the message is sent. */
function needsSession(why: string): DatabaseError {
  return new DatabaseError({
    code: "DATABASE_NEEDS_SESSION",
    message: `This cannot be done over HTTPS, where each request is a transaction of its own: ${why}.`,
    hint: "Use a database URL for it: set SUPABASE_DB_URL (or DATABASE_URL) and USE_NODE_MIGRATIONS=false.",
  });
}
