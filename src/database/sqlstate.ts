/** PostgreSQL's error codes (appendix A of its manual), as far as we act on them. */

/** The server rolled the whole transaction back through no fault of its text: the same again may succeed. */
const RETRY_TRANSACTION = new Set([
  "55P03", // lock_not_available: lock_timeout ran out
  "40P01", // deadlock_detected
  "40001", // serialization_failure
]);

/** The server cannot serve now, and may a moment later. */
const RETRY_CONNECTION = new Set([
  "57P03", // cannot_connect_now: starting up, shutting down
  "57P01", // admin_shutdown
  "57P02", // crash_shutdown
  "53300", // too_many_connections
  "53400", // configuration_limit_exceeded
  "08000",
  "08001",
  "08003",
  "08004",
  "08006",
  "08P01", // a pooler that lost its server
]);

const LOGIN = new Set([
  "28P01", // invalid_password
  "28000", // invalid_authorization_specification
  "3D000", // invalid_catalog_name: no such database
]);

/** It cannot run inside a transaction block, or not in the one that created what it uses. */
const NEEDS_NO_TRANSACTION = new Set([
  "25001", // active_sql_transaction
  "55P04", // unsafe_new_enum_value_usage
  "2D000", // invalid_transaction_termination: a procedure or DO block that commits
]);

export const isRetryableTransaction = (sqlState: string | undefined): boolean =>
  RETRY_TRANSACTION.has(sqlState ?? "");
export const isRetryableConnection = (sqlState: string | undefined): boolean =>
  RETRY_CONNECTION.has(sqlState ?? "");
export const isLoginRefused = (sqlState: string | undefined): boolean => LOGIN.has(sqlState ?? "");
/** For the dry run, which tries nothing a second time. A run decides by more than a code: `run/step/outside.ts`. */
export const needsNoTransaction = (sqlState: string | undefined): boolean =>
  NEEDS_NO_TRANSACTION.has(sqlState ?? "");
/** The server's functions that run `RAISE`: such an error says what a migration means, whatever its code. */
export const isRaised = (routine: string | undefined): boolean => routine === "exec_stmt_raise";
/** The same, and those of `ASSERT` and of other languages. */
export const isOfUserCode = (routine: string | undefined): boolean =>
  routine !== undefined && /^exec_stmt_(?:raise|assert)$|^PLy_|^plperl|^pltcl|^do_util_elog/.test(routine);
export const UNIQUE_VIOLATION = "23505";
export const NOT_NULL_VIOLATION = "23502";
export const INSUFFICIENT_PRIVILEGE = "42501";
/** Also the notice of `IF NOT EXISTS` that has kept something. */
export const DUPLICATE_TABLE = "42P07";
export const QUERY_CANCELED = "57014";
export const READ_ONLY_TRANSACTION = "25006";
export const UNSAFE_NEW_ENUM_VALUE = "55P04";
