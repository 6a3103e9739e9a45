/** What PostgREST, the gateway in front of it or the function answers instead of a result, as our errors. */
import type { Statement } from "../../core/sql/statements.ts";
import { fold, nextToken } from "../../core/sql/tokens.ts";
import { DatabaseError } from "../../errors.ts";
import { codePointOffset } from "../../std/text.ts";
import type { Sent as SentText } from "../sent.ts";
import { INSUFFICIENT_PRIVILEGE, QUERY_CANCELED } from "../sqlstate.ts";
import { connectionLost, databaseError } from "../wire/failure.ts";
import { type FailureDetail, FUNCTION, FUNCTION_SECONDS } from "./exec-sql.ts";
import type { NoReply, Reply } from "./http.ts";

/** PostgREST's own form of an error. */
interface ApiError {
  readonly code: string;
  readonly message: string;
  readonly details: string | null;
  readonly hint: string | null;
}

export interface Sent extends SentText {
  readonly display: string;
  /** The whole message, of which the request is a part. */
  readonly text: string;
  readonly statements: readonly Statement[];
  /** Which of them the request holds. */
  readonly places: readonly number[];
}

/** There was no answer. A request that may have arrived may have taken effect: only the ledger knows. */
export function withoutReply(error: NoReply, display: string): DatabaseError {
  if (error.mayHaveArrived) return connectionLost(display, error);
  const tls = /^ERR_(TLS|SSL)_|CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|^EPROTO$/.test(error.code ?? "");
  return new DatabaseError(
    {
      code: tls ? "DATABASE_TLS" : "DATABASE_UNREACHABLE",
      message: `${display} cannot be reached: ${error.message}.`,
      hint: tls
        ? "If it has an authority of its own, name its certificate in NODE_EXTRA_CA_CERTS."
        : "Check the project's URL and the network; a paused project has to be restored first.",
    },
    { cause: error },
  );
}

/** An answer that is no result. */
export function failureOf(reply: Reply, sent: Sent): DatabaseError {
  const { display } = sent;
  const said = apiErrorIn(reply);
  if (said === null) return notPostgrest(reply, display);
  const { code } = said;
  if (code === "PGRST202") return functionMissing(display, said);
  const told = toldIn(said.details);
  if (code === INSUFFICIENT_PRIVILEGE && told === null && said.message.includes(FUNCTION))
    return mayNotCall(display, said.message);
  if (code !== INSUFFICIENT_PRIVILEGE && (reply.status === 401 || reply.status === 403))
    return keyRefused(display, said.message);
  // PostgREST has no connection to its database, or none that is free: the request was not begun.
  if (/^PGRST00/.test(code))
    return new DatabaseError({
      code: "DATABASE_UNREACHABLE",
      message: `${display} has no connection to its database: ${said.message}.`,
      hint: "Wait until the project is up, then run again.",
    });
  if (code === QUERY_CANCELED && /timeout/i.test(said.message)) return tooLong(display, said);
  const hint = said.hint === null || said.hint === "" ? {} : { hint: said.hint };
  if (told === null) {
    const error = { code, message: said.message, detail: said.details ?? undefined, ...hint };
    return databaseError(error, display, { sent });
  }
  const place = sent.places[told.completed];
  const statement = place === undefined ? undefined : sent.statements[place];
  const position = statement === undefined ? null : positionIn(statement, said, told.context);
  const facts = { schema: told.schema, table: told.table, column: told.column, constraint: told.constraint };
  return databaseError(
    {
      severity: "ERROR",
      code,
      message: said.message,
      ...hint,
      ...(told.detail === "" ? {} : { detail: told.detail }),
      ...(contextOf(told.context) === "" ? {} : { where: contextOf(told.context) }),
      ...Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== "")),
      ...(/^PL\/pgSQL function .* at RAISE$/m.test(firstLine(told.context))
        ? { routine: "exec_stmt_raise" }
        : {}),
      ...(position === null ? {} : { position: String(codePointOffset(sent.text, position) + 1) }),
      completed: place ?? told.completed,
    },
    display,
    { sent },
  );
}

function apiErrorIn({ type, body }: Reply): ApiError | null {
  if (!type.includes("json")) return null;
  try {
    const said = JSON.parse(body) as Partial<ApiError>;
    if (typeof said.message !== "string") return null;
    const { code = "", message, details = null, hint = null } = said;
    return { code: String(code ?? ""), message: message.replace(/\.$/, ""), details, hint };
  } catch {
    return null;
  }
}

function toldIn(details: string | null): FailureDetail | null {
  if (details === null || !details.startsWith("{")) return null;
  try {
    const told = JSON.parse(details) as Partial<FailureDetail>;
    return typeof told.godwit === "number" && typeof told.completed === "number"
      ? (told as FailureDetail)
      : null;
  } catch {
    return null;
  }
}

const OWN_FRAME = new RegExp(
  `\\n?PL/pgSQL function (?:public\\.)?${FUNCTION}\\(jsonb\\) line \\d+ at [^\\n]*$`,
);

/** The context of an error, without the lines of our own function. */
function contextOf(context: string): string {
  return context.replace(OWN_FRAME, "");
}

function firstLine(context: string): string {
  return contextOf(context).split("\n", 1)[0] ?? "";
}

/**
 * The position of an error in its statement, which the function cannot read. If the name in the message occurs exactly once in
 * the statement, its place is the position. `null`: it is not known, or the error arose inside a function that the statement calls.
 */
function positionIn({ text, start }: Statement, { code, message }: ApiError, context: string): number | null {
  if (!code.startsWith("42") || contextOf(context) !== "") return null;
  if (/ at end of input$/.test(message)) return start + text.length;
  const [, quoted, bare] = /"([^"]+)"|(?:column|function|operator) ([^\s("]+)/.exec(message) ?? [];
  const word = fold(quoted ?? bare ?? "");
  if (word === "") return null;
  const places: number[] = [];
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end)) {
    const at = token.kind === "quoted" ? token.start + 1 : token.start;
    const behind = text[at + word.length] ?? "";
    if (fold(text.slice(at, at + word.length)) !== word) continue;
    if (/\w$/.test(word) && /[\w$]/.test(behind)) continue;
    places.push(token.start);
  }
  const [place] = places;
  return places.length === 1 && place !== undefined ? start + place : null;
}

function functionMissing(display: string, said: ApiError): DatabaseError {
  return new DatabaseError(
    {
      code: "DATABASE_FUNCTION_MISSING",
      message: `${display} has no function ${FUNCTION}(statements) that Godwit can call.`,
      hint: `Write its SQL with \`godwit init --supabase\` and run that in the project's SQL editor. If it is there already: notify pgrst, 'reload schema';`,
      details: { said: said.message },
    },
    { cause: new Error(said.message) },
  );
}

/** `version`: what the function says of itself. */
export function functionOutdated(display: string, version: unknown): DatabaseError {
  return new DatabaseError({
    code: "DATABASE_FUNCTION_OUTDATED",
    message: `The function ${FUNCTION} of ${display} is not of the version that this Godwit needs${typeof version === "number" ? ` (it is ${version})` : ""}.`,
    hint: `Write its SQL again with \`godwit init --supabase\` and run that in the project's SQL editor.`,
  });
}

function keyRefused(display: string, message: string): DatabaseError {
  return new DatabaseError({
    code: "DATABASE_REFUSED_LOGIN",
    message: `${display} refused the key: ${message}.`,
    hint: "Check that SUPABASE_SERVICE_ROLE_KEY is a service_role or secret key of this project.",
  });
}

function mayNotCall(display: string, message: string): DatabaseError {
  return new DatabaseError(
    {
      code: "DATABASE_PRIVILEGE",
      message: `${display} does not let this key call ${FUNCTION}: ${message}.`,
      hint: "Run the SQL of `godwit init --supabase` again: it grants the function to service_role alone.",
    },
    { sqlState: INSUFFICIENT_PRIVILEGE },
  );
}

function tooLong(display: string, { message }: ApiError): DatabaseError {
  return new DatabaseError(
    {
      code: "DATABASE_ERROR",
      message: `The request to ${display} was ended: ${message}. Over HTTPS a migration may take ${FUNCTION_SECONDS} s.`,
      hint: "Nothing of it was kept. Make smaller migrations of it, or run it over a database URL: set SUPABASE_DB_URL and USE_NODE_MIGRATIONS=false.",
    },
    { sqlState: QUERY_CANCELED, completed: -1 },
  );
}

function notPostgrest({ status, type }: Reply, display: string): DatabaseError {
  const what = `status ${status}${type === "" ? "" : `, ${type.split(";", 1)[0]}`}`;
  // A gateway that gave up: what is behind it may go on.
  if (status >= 500) return connectionLost(display, new Error(`the gateway answered with ${what}`));
  if (status === 401 || status === 403) return keyRefused(display, what);
  return new DatabaseError({
    code: "DATABASE_NOT_POSTGREST",
    message: `${display} did not answer as Supabase's API does: ${what}.`,
    hint: "NEXT_PUBLIC_SUPABASE_URL is the URL of the project itself, such as https://<project>.supabase.co, without a path.",
  });
}
