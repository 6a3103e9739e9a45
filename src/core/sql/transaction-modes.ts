/**
 * The modes that a text sets for its transaction, read before any of it runs. The runner's own `BEGIN` carries them,
 * because an isolation level cannot be set after a query. Writing the ledger's row is such a query.
 */
import { accept, acceptSymbol, type Cursor, peek } from "./cursor.ts";
import type { Statement } from "./statements.ts";

export type Isolation = "read uncommitted" | "read committed" | "repeatable read" | "serializable";

export interface TransactionModes {
  readonly isolation?: Isolation;
  readonly readOnly?: boolean;
  readonly deferrable?: boolean;
}

export interface ModeSetting {
  /** `session`: it applies to the transactions that follow, as `default_transaction_isolation` does. */
  readonly scope: "transaction" | "session";
  readonly modes: TransactionModes;
}

/** What `SET TRANSACTION …`, `SET transaction_isolation = …` and similar statements ask for. `null` for other statements. */
export function modeSetting(text: string): ModeSetting | null {
  const cursor: Cursor = { text, at: 0 };
  if (!accept(cursor, "set")) return configSetting(text);
  if (accept(cursor, "session", "characteristics", "as", "transaction")) return setting("session", cursor);
  if (!accept(cursor, "local")) accept(cursor, "session");
  if (accept(cursor, "transaction")) return setting("transaction", cursor);
  for (const [name, scope, read] of VARIABLES) {
    if (!accept(cursor, name)) continue;
    if (!accept(cursor, "to") && !acceptSymbol(cursor, "=")) return null;
    const modes = read(valueAt(cursor));
    return modes === null ? null : { scope, modes };
  }
  return null;
}

const SET_CONFIG =
  /^select\s+(?:pg_catalog\s*\.\s*)?set_config\s*\(\s*'(default_transaction_\w+)'\s*,\s*'([^']*)'\s*,\s*(?:false|true)\s*\)$/i;

/**
 * The function `set_config` can set the session's modes too. It cannot set those of its own transaction, because it runs
 * in a query.
 */
function configSetting(text: string): ModeSetting | null {
  const [, name, value = ""] = SET_CONFIG.exec(text.trim()) ?? [];
  const [, scope, read] = VARIABLES.find(([each]) => each === name?.toLowerCase()) ?? [];
  const modes = read?.(value.trim().toLowerCase()) ?? null;
  return scope === undefined || modes === null ? null : { scope, modes };
}

/** The modes of `BEGIN` and `START TRANSACTION`. `null` for anything else. */
export function beginModes(text: string): TransactionModes | null {
  const cursor: Cursor = { text, at: 0 };
  if (accept(cursor, "begin")) {
    if (!accept(cursor, "work")) accept(cursor, "transaction");
  } else if (!accept(cursor, "start", "transaction")) return null;
  return modeList(cursor);
}

/** Whether this is a `COMMIT` or `END` that starts no new transaction. */
export function isPlainCommit(text: string): boolean {
  const cursor: Cursor = { text, at: 0 };
  if (!accept(cursor, "commit") && !accept(cursor, "end")) return false;
  if (!accept(cursor, "work")) accept(cursor, "transaction");
  accept(cursor, "and", "no", "chain");
  return peek(cursor) === null;
}

export interface LeadingModes {
  /** The modes that the statements set for their own transaction. */
  readonly modes: TransactionModes;
  /** The modes that they set for the session. These apply if a transaction begins after them. */
  readonly session: TransactionModes;
  /**
   * The statements that set modes for their own transaction. Once the transaction begins with these modes, they are
   * done.
   */
  readonly said: readonly Statement[];
}

/** The modes set before the first query of a transaction. After it, the server refuses to change them. */
export function leadingModes(statements: readonly Statement[]): LeadingModes {
  let modes: TransactionModes = {};
  let session: TransactionModes = {};
  const said: Statement[] = [];
  for (const statement of statements) {
    const found = modeSetting(statement.text);
    if (found?.scope === "transaction") {
      modes = { ...modes, ...found.modes };
      said.push(statement);
    } else if (found !== null) session = { ...session, ...found.modes };
    else if (!NO_QUERY.some((word) => accept({ text: statement.text, at: 0 }, word))) break;
  }
  return { modes, session, said };
}

/**
 * The first statement that sets an isolation level for the session after the transaction has begun, if other statements
 * follow. `begun`: the transaction begins before the first statement.
 */
export function lateSessionModes(statements: readonly Statement[], begun = false): Statement | null {
  const isQuery = ({ text }: Statement) =>
    modeSetting(text) === null && !NO_QUERY.some((word) => accept({ text, at: 0 }, word));
  const first = begun ? -1 : statements.findIndex(isQuery);
  const last = statements.findLastIndex(isQuery);
  const isLate = ({ text }: Statement, index: number) => {
    const found = modeSetting(text);
    const isSession = found?.scope === "session" && found.modes.isolation !== undefined;
    return isSession && (begun || first !== -1) && index > first && index < last;
  };
  return statements.find(isLate) ?? null;
}

/** The first statement that makes its own transaction read-only, at any position. */
export function readOnlyStatement(statements: readonly Statement[]): Statement | null {
  const makesReadOnly = ({ text }: Statement) => {
    const found = modeSetting(text);
    return found?.scope === "transaction" && found.modes.readOnly === true;
  };
  return statements.find(makesReadOnly) ?? null;
}

/** The session's modes for its next transactions, after one more statement. */
export function sessionModes(before: TransactionModes, text: string): TransactionModes {
  const found = modeSetting(text);
  if (found?.scope === "session") return { ...before, ...found.modes };
  const cursor: Cursor = { text, at: 0 };
  const resets =
    accept(cursor, "discard", "all") ||
    (accept(cursor, "reset") && (accept(cursor, "all") || /^reset\s+default_transaction_/i.test(text)));
  return resets ? {} : before;
}

/** Statements that the server runs without a snapshot. */
const NO_QUERY = ["set", "reset", "show", "lock", "listen", "unlisten", "notify"];

type Reader = (value: string) => TransactionModes | null;

const isolation: Reader = (value) => {
  if (value === "default") return { isolation: "read committed" };
  return isIsolation(value) ? { isolation: value } : null;
};
const flag =
  (name: "readOnly" | "deferrable"): Reader =>
  (value) =>
    ON.has(value) ? { [name]: true } : OFF.has(value) ? { [name]: false } : null;

const ON = new Set(["on", "true", "yes", "1"]);
const OFF = new Set(["off", "false", "no", "0", "default"]);

const VARIABLES: readonly (readonly [string, ModeSetting["scope"], Reader])[] = [
  ["transaction_isolation", "transaction", isolation],
  ["transaction_read_only", "transaction", flag("readOnly")],
  ["transaction_deferrable", "transaction", flag("deferrable")],
  ["default_transaction_isolation", "session", isolation],
  ["default_transaction_read_only", "session", flag("readOnly")],
  ["default_transaction_deferrable", "session", flag("deferrable")],
];

function isIsolation(value: string): value is Isolation {
  return ["read uncommitted", "read committed", "repeatable read", "serializable"].includes(value);
}

function valueAt(cursor: Cursor): string {
  const token = peek(cursor);
  if (token === null) return "";
  const written = cursor.text.slice(token.start, token.end).replace(/^'(.*)'$/s, "$1");
  return written.trim().toLowerCase();
}

function setting(scope: ModeSetting["scope"], cursor: Cursor): ModeSetting | null {
  const modes = modeList(cursor);
  return modes === null || Object.keys(modes).length === 0 ? null : { scope, modes };
}

const WORDS: readonly (readonly [readonly string[], TransactionModes])[] = [
  [["isolation", "level", "serializable"], { isolation: "serializable" }],
  [["isolation", "level", "repeatable", "read"], { isolation: "repeatable read" }],
  [["isolation", "level", "read", "committed"], { isolation: "read committed" }],
  [["isolation", "level", "read", "uncommitted"], { isolation: "read uncommitted" }],
  [["read", "only"], { readOnly: true }],
  [["read", "write"], { readOnly: false }],
  [["deferrable"], { deferrable: true }],
  [["not", "deferrable"], { deferrable: false }],
];

/** Reads the rest of a statement as modes. `null` if it contains anything else. */
function modeList(cursor: Cursor): TransactionModes | null {
  let modes: TransactionModes = {};
  while (peek(cursor) !== null) {
    const found = WORDS.find(([words]) => accept(cursor, ...words));
    if (found === undefined) return null;
    modes = { ...modes, ...found[1] };
    acceptSymbol(cursor, ",");
  }
  return modes;
}
