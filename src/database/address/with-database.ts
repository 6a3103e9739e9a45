/** The same server, another database: for an address of whatever notation. Pure. */
import { parseConninfo } from "./conninfo.ts";

/** A URL. What it says of the server stays as it is written; a `key=value` string becomes a URL. */
export function withDatabase(address: string, database: string): string {
  const text = address.trim();
  const name = encodeURIComponent(database);
  if (/^\w+\s*=/.test(text)) return urlOf(parseConninfo(text), name);
  const [, authority = text, query = ""] = /^([^?/]*:\/\/[^/?]*)(?:\/[^?]*)?(?:\?(.*))?$/s.exec(text) ?? [];
  // A name in the query would come before the one in the path.
  const others = query.split("&").filter((part) => part !== "" && !/^dbname(=|$)/.test(part));
  return `${authority}/${name}${others.length === 0 ? "" : `?${others.join("&")}`}`;
}

function urlOf(settings: ReadonlyMap<string, string>, database: string): string {
  const { user, password, host, port, dbname: _, ...others } = Object.fromEntries(settings);
  const credentials = [user, password].flatMap((part) =>
    part === undefined ? [] : [encodeURIComponent(part)],
  );
  // A socket and several hosts have no place in front of the path that every program reads.
  const plain = host !== undefined && /^[\w.-]+$/.test(host);
  const place = plain ? `${host}${port === undefined ? "" : `:${port}`}` : "";
  const query = Object.entries({ ...(plain ? {} : { host, port }), ...others }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${encodeURIComponent(key)}=${encodeURIComponent(value)}`],
  );
  const login = credentials.length === 0 ? "" : `${user === undefined ? ":" : ""}${credentials.join(":")}@`;
  return `postgres://${login}${place}/${database}${query.length === 0 ? "" : `?${query.join("&")}`}`;
}
