/** What the driver throws, as our errors. */
import { DatabaseError } from "../../errors.ts";
import { type Words, withoutData } from "../private-data.ts";
import { missingPrivilege } from "../privilege.ts";
import type { Sent } from "../sent.ts";
import {
  INSUFFICIENT_PRIVILEGE,
  isLoginRefused,
  isRaised,
  isRetryableConnection,
  QUERY_CANCELED,
} from "../sqlstate.ts";

interface DriverError extends Words {
  readonly severity?: string;
  readonly errors?: readonly DriverError[];
}

/** What the driver says without a code when its socket is gone; everything else is a fault of what it was given. */
const LINK =
  /^Connection terminated|^Client (was closed|has encountered a connection error)|timeout|^The server|socket|is (closed|closing)/i;

/** The server's function that looks whether a role may connect. A setting of the URL can lack a privilege too. */
const CHECKS_CONNECT = "CheckMyDatabase";
const SQLSTATE = /^[0-9A-Z]{5}$/;

export function connectionLost(display: string, cause?: unknown): DatabaseError {
  return new DatabaseError(
    {
      code: "DATABASE_CONNECTION_LOST",
      message: `The connection to ${display} was lost${cause instanceof Error ? `: ${cause.message}` : ""}.`,
      hint: "Run the command again: what was committed is in the ledger, what was not was rolled back.",
    },
    { cause },
  );
}

export function databaseError(
  thrown: unknown,
  display: string,
  options?: {
    readonly connecting?: boolean;
    readonly sent?: Sent;
    /** How long the statement was under way. */
    readonly tookMs?: number;
  },
): DatabaseError {
  if (thrown instanceof DatabaseError) return thrown;
  const told = thrown as DriverError;
  const sqlState = told.code !== undefined && SQLSTATE.test(told.code) ? told.code : undefined;
  const words = sqlState === undefined ? null : withoutData(told, options?.sent ?? { text: "" });
  const error: DriverError = words === null ? told : { ...told, ...words };
  const { tookMs } = options ?? {};
  const isTimed = sqlState === QUERY_CANCELED && tookMs !== undefined;
  const details = { ...facts(error), ...(isTimed ? { tookMs: Math.ceil(tookMs) } : {}) };
  const position = error.position === undefined ? undefined : Number(error.position);
  const extra = {
    cause: words === null ? thrown : causeWith(thrown, words),
    sqlState,
    position,
    completed: error.completed,
    routine: error.routine,
  };
  if (options?.connecting || sqlState === undefined) {
    const isUnprivileged = sqlState === INSUFFICIENT_PRIVILEGE && error.routine === CHECKS_CONNECT;
    if (isUnprivileged || isLoginRefused(sqlState))
      return new DatabaseError(
        {
          code: "DATABASE_REFUSED_LOGIN",
          message: `${display} refused the login: ${error.message}.`,
          hint: isUnprivileged
            ? "As the database's owner: GRANT CONNECT ON DATABASE … TO the role of the URL; or use another role's URL."
            : sqlState === "3D000"
              ? "Create the database first, or correct the name in the URL."
              : "Check user and password in the URL (special characters must be percent-encoded) and the server's pg_hba.conf.",
          details,
        },
        extra,
      );
    const login = options?.connecting ? undeliveredPassword(error, display) : undefined;
    if (login !== undefined) return login;
    if (options?.connecting && isTlsFailure(error))
      return new DatabaseError(
        {
          code: "DATABASE_TLS",
          message: `No encrypted connection to ${display}: ${error.message}.`,
          hint: "Give the server's authority with sslrootcert=…, correct the host name, or choose another sslmode.",
        },
        extra,
      );
    const reason = error.errors?.map((one) => one.message).join("; ") || error.message || String(thrown);
    if (options?.connecting)
      return new DatabaseError(
        {
          code: "DATABASE_UNREACHABLE",
          message: `${display} cannot be reached: ${reason}.`,
          hint: "Check host, port and network, and that the server is running.",
          details,
        },
        extra,
      );
    if (LINK.test(error.message) || error.code !== undefined) return connectionLost(display, thrown);
    return new DatabaseError({ code: "DATABASE_ERROR", message: reason }, extra);
  }
  // A migration may raise these codes as well; only what is fatal ends the connection.
  if (isRetryableConnection(sqlState) && error.severity !== "ERROR") return connectionLost(display, thrown);
  return new DatabaseError(
    {
      code: sqlState === INSUFFICIENT_PRIVILEGE ? "DATABASE_PRIVILEGE" : "DATABASE_ERROR",
      message: error.message,
      hint:
        error.hint ??
        (sqlState === INSUFFICIENT_PRIVILEGE && !isRaised(error.routine)
          ? missingPrivilege(error.message)
          : undefined),
      details,
    },
    extra,
  );
}

/** What was thrown, as it may be kept: only its own words are looked at later, never its data. */
function causeWith(thrown: unknown, words: { readonly message: string }): unknown {
  if (!(thrown instanceof Error)) return { ...(thrown as object), ...words, internalQuery: undefined };
  const stack = thrown.stack?.replace(thrown.message, () => words.message);
  // The inner statement as it ran, with every value in it; the context names it without.
  return Object.assign(thrown, words, { stack, internalQuery: undefined });
}

/** The driver gives up by itself when the server asks for a password and there is none. */
function undeliveredPassword(error: DriverError, display: string): DatabaseError | undefined {
  if (!/^SASL: |password must be a/.test(error.message)) return undefined;
  return new DatabaseError(
    {
      code: "DATABASE_REFUSED_LOGIN",
      message: `${display} asks for a password, and the URL has none that fits.`,
      hint: "Put the password into the URL, into PGPASSWORD or into ~/.pgpass.",
    },
    { cause: error },
  );
}

function isTlsFailure({ code, message }: DriverError): boolean {
  return (
    /^ERR_(TLS|SSL)_|CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|^EPROTO$/.test(code ?? "") ||
    /does not support SSL|establishing an SSL connection/.test(message)
  );
}

/** What the server adds to its message, without the text of the query (it may hold data). */
function facts(error: DriverError): Record<string, unknown> {
  const { code, detail, where, schema, table, column, constraint } = error;
  return Object.fromEntries(
    Object.entries({ sqlState: code, detail, where, schema, table, column, constraint }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
