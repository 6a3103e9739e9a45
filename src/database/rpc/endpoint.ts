/** Where the API of a Supabase project is, and which key it takes. */
import { ConfigError } from "../../errors.ts";
import type { Secret } from "../../std/secret.ts";
import { VERSION } from "../../std/version.ts";
import { FUNCTION } from "./exec-sql.ts";

export interface Endpoint {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** For people; it holds no secret. */
  readonly display: string;
}

export interface EndpointInput {
  readonly url: string;
  readonly key: Secret;
  /** The names of the variables that hold the two. */
  readonly names: { readonly url: string; readonly key: string };
}

/** Throws `ConfigError` (`URL_INVALID`, `CONFIG_VARIABLE_INVALID`). Neither says anything of the key. */
export function endpointOf({ url, key, names }: EndpointInput): Endpoint {
  const base = baseOf(url, names.url);
  return {
    url: new URL(`${base.pathname.replace(/\/+$/, "")}/rest/v1/rpc/${FUNCTION}`, base),
    headers: {
      ...keyHeaders(key.reveal().trim(), names.key),
      // A secret key is refused for the User-Agent of a browser.
      "user-agent": `godwit/${VERSION}`,
      "content-type": "application/json; charset=utf-8",
      accept: "application/json",
    },
    display: base.host,
  };
}

function baseOf(given: string, name: string): URL {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new ConfigError({
      code: "URL_INVALID",
      message: `${name} is not the URL of a Supabase project.`,
      hint: "It looks like https://<project>.supabase.co. A postgres:// URL belongs into SUPABASE_DB_URL.",
    });
  if (url.protocol === "http:" && !isNear(url.hostname))
    throw new ConfigError({
      code: "URL_INVALID",
      message: `${name} is an http:// URL: the key would travel over the network unencrypted.`,
      hint: `Use https://${url.host}.`,
    });
  return url;
}

/** This machine, or a service beside this container, whose name has no dot. */
function isNear(host: string): boolean {
  return host === "[::1]" || /^127\./.test(host) || !host.includes(".");
}

function keyHeaders(key: string, name: string): Record<string, string> {
  if (/^sb_secret_\w{8,}/.test(key)) return { apikey: key };
  const role = roleOf(key);
  if (role === "service_role") return { apikey: key, authorization: `Bearer ${key}` };
  const what = key.startsWith("sb_publishable_")
    ? "is a publishable key, which may not run migrations"
    : role === null
      ? "is neither a service_role key (a JWT) nor a secret key (sb_secret_…)"
      : `is the key of the role ${role}, which may not run migrations`;
  throw new ConfigError({
    code: "CONFIG_VARIABLE_INVALID",
    message: `${name} ${what}.`,
    hint: "Copy the service_role key or a secret key from the project's settings (API keys).",
  });
}

/** Of a JWT; `null`: it is none. */
function roleOf(key: string): string | null {
  const [, payload, signature] = key.split(".");
  if (payload === undefined || signature === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const role = (claims as { role?: unknown } | null)?.role;
    return typeof role === "string" && /^\w{1,40}$/.test(role) ? role : null;
  } catch {
    return null;
  }
}
