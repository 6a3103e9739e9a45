/** The URL notation, as libpq reads it: several hosts, any of the parts left out, sockets as hosts. */
import { ConfigError } from "../../errors.ts";
import { KEYWORDS } from "./keywords.ts";

export function parseUrl(text: string): Map<string, string> {
  const rest = text.replace(SCHEME, "");
  if (rest === text) throw notOurs(text);
  const authorityEnd = rest.search(/[/?]/);
  const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd);
  const tail = authorityEnd < 0 ? "" : rest.slice(authorityEnd);
  const queryStart = tail.indexOf("?");
  const path = queryStart < 0 ? tail : tail.slice(0, queryStart);
  const query = queryStart < 0 ? [] : splitQuery(tail.slice(queryStart + 1));

  const ats = authority.split("@").length - 1;
  if (ats > 1) throw unencoded("@", "%40");
  // user:pa/ss@host: what looks like the host is the user, and half the password is behind it.
  if (path.includes("@") || query.some(([key, value]) => holdsAt(key, value))) {
    if (ats === 1) throw unencoded("@", "%40");
    throw path.startsWith("/") ? unencoded("/", "%2F") : unencoded("?", "%3F");
  }

  const settings = new Map<string, string>();
  const set = (keyword: string, value: string) => value !== "" && settings.set(keyword, value);
  if (ats === 1) {
    const [credentials = ""] = authority.split("@");
    const colon = credentials.indexOf(":");
    set("user", decode(colon < 0 ? credentials : credentials.slice(0, colon)));
    if (colon >= 0) set("password", decode(credentials.slice(colon + 1)));
  }
  const places = authority
    .slice(authority.indexOf("@") + 1)
    .split(",")
    .map(splitPlace);
  set("host", places.map(({ host }) => host).join(","));
  if (places.some(({ host }) => host !== "") && places.length > 1 && !settings.has("host"))
    throw unreadable();
  set("port", places.every(({ port }) => port === "") ? "" : places.map(({ port }) => port).join(","));
  set("dbname", decode(path.slice(1)));
  for (const [key, value] of query) {
    const keyword = decode(key);
    settings.set(keyword, decode(value));
  }
  return settings;
}

/** `URL_INVALID` with this message; the caller vouches that no part of a password is in it. */
export function invalid(message: string, hint?: string): ConfigError {
  return new ConfigError({ code: "URL_INVALID", message, hint });
}

// SQLAlchemy writes the driver into the scheme: postgresql+asyncpg://
const SCHEME = /^postgres(?:ql)?(?:\+\w+)?:\/\//i;
const EXAMPLE = "Write postgres://user:password@host:5432/database.";

function splitQuery(text: string): (readonly [string, string])[] {
  return text
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      return equals < 0 ? [part, ""] : [part.slice(0, equals), part.slice(equals + 1)];
    });
}

/** An @ in `user=app@tenant` is libpq's to allow; anywhere else it is a password that was cut in two. */
function holdsAt(key: string, value: string): boolean {
  return key.includes("@") || (value.includes("@") && !KEYWORDS.has(key));
}

function splitPlace(text: string): { host: string; port: string } {
  const found = /^(?:\[([0-9a-f:.]+(?:%\w+)?)\]|([^:[\]]*))(?::(\d*))?$/i.exec(text);
  if (!found) throw unreadable();
  return { host: found[1] ?? decode(found[2] ?? ""), port: found[3] ?? "" };
}

function decode(text: string): string {
  try {
    const value = decodeURIComponent(text);
    if (!value.includes("\0")) return value;
  } catch {
    // Said below: what decodeURIComponent throws would not help anybody.
  }
  throw unencoded("%", "%25");
}

function unreadable(): ConfigError {
  return invalid(
    "The database URL cannot be read: what stands for host and port is neither a name, an [IPv6 address] nor a number.",
    `${EXAMPLE} In a password, percent-encode special characters: @ is %40, : is %3A, / is %2F, ? is %3F, # is %23, % is %25.`,
  );
}

function unencoded(character: string, code: string): ConfigError {
  return invalid(
    `The database URL cannot be read: its password (or user) seems to hold a "${character}" that is not percent-encoded.`,
    `Write ${code} instead of ${character} in the password.`,
  );
}

function notOurs(text: string): ConfigError {
  if (/^["'`]/.test(text))
    return invalid("The database URL starts with a quote.", "Remove the quotes around it.");
  if (/\$\{|\{\{/.test(text)) {
    return invalid(
      "The database URL is a placeholder that nobody has filled in.",
      "Check the name of the variable that it refers to.",
    );
  }
  const scheme = /^([a-z][a-z0-9+.-]{0,30}):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === "jdbc")
    return invalid(
      "The database URL is a JDBC URL.",
      "Remove the jdbc: in front, and write user and password before the host.",
    );
  if (scheme === "prisma" || scheme === "prisma+postgres") {
    return invalid(
      "The database URL leads to Prisma's proxy, not to PostgreSQL.",
      "Use the direct URL of the database (DIRECT_URL).",
    );
  }
  if (scheme === "postgres" || scheme === "postgresql")
    return invalid("The database URL lacks the // after its scheme.", EXAMPLE);
  if (scheme !== undefined && text.includes("://")) {
    return invalid(`The database URL starts with ${scheme}://, which is not PostgreSQL.`, EXAMPLE);
  }
  return invalid("The database URL does not start with postgres:// or postgresql://.", EXAMPLE);
}
