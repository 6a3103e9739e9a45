/**
 * Remembers the secrets of a configuration and its environment, so that output can hide them. It does so before
 * anything is read. It includes targets that are not chosen and values that turn out to be wrong, because anybody may
 * print them.
 */
import { passwordsIn } from "../std/credentials.ts";
import { remember } from "../std/secret.ts";
import { tokensIn } from "../std/webhook-secrets.ts";
import { OPTIONS, variablesOf } from "./options.ts";
import { type Environment, isVariable } from "./read.ts";

/** Names that mark a secret. Other people's variables count too, because a migration may print any of them. */
const SECRET_NAME =
  /(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(?:PRIVATE|API|ACCESS|ENCRYPTION|SECRET|SIGNING|SIGNATURE|MASTER|SERVICE|SERVICE_ROLE|SESSION|COOKIE|JWT|HMAC|AUTH|APP|ACCOUNT|STORAGE|DEPLOY|LICENSE)_?KEY)$/i;
/** Names that often mark a secret. Their values can also be everyday words and paths. */
const MAYBE_SECRET_NAME =
  /(?:^|_)(?:PASS|AUTH|SIGNING|SIGNATURE|CREDS?|SALT|PEPPER)$|_PWD$|^(?:DB|PG|MYSQL|REDIS|SMTP|FTP)(?:PASS|PWD)$/i;
/** Names of variables with the address of a service. The user in it may be a key. */
const ADDRESS_NAME = /(?:^|_)(?:DSN|CONN|CONNECTION|CONN(?:ECTION)?_?STR(?:ING)?)$/i;
/** The shortest value that counts as a secret because of its name. `REQUIRE_PASSWORD=always` holds none. */
const LEAST_LENGTH = 8;
const URL_START = /^[a-z][a-z0-9+.-]{0,40}:\/\//i;

export function rememberEnvironment(environment: Environment): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || value === "") continue;
    if (name === "GODWIT_WEBHOOK_URL" || name === "GODWIT_WEBHOOK_SECRET")
      for (const text of value.split(/[\s,]+/)) remember(...tokensIn(text));
    else if (OWN_SECRETS.has(name)) remember(...secretsIn(value, environment));
    else if (ADDRESS_NAME.test(name)) remember(...passwordsIn(value), ...userIn(value));
    else if (OWN_URLS.has(name) || URL_START.test(value)) remember(...passwordsIn(value));
    else if (value.length < LEAST_LENGTH) continue;
    else if (SECRET_NAME.test(name)) remember(value);
    else if (MAYBE_SECRET_NAME.test(name) && !isEveryday(value)) remember(value, ...passwordsBehind(value));
  }
}

/** The user of `https://key@host`. Without a password, the user is the key. */
function userIn(value: string): readonly string[] {
  const [, user = ""] = /^[a-z][a-z0-9+.-]{0,40}:\/\/([^:/?#@\s]+)@/i.exec(value) ?? [];
  return user.length >= LEAST_LENGTH ? [user] : [];
}

/** Whether the value is a path, or a word such as `required` or `caching_sha2`. */
function isEveryday(value: string): boolean {
  return /^(?:\.{0,2}\/|[a-z]:\\)/i.test(value) || /^[a-z_-]+$/.test(value);
}

/** The password of `user:password`. */
function passwordsBehind(value: string): readonly string[] {
  const password = value.slice(value.indexOf(":") + 1);
  return password.length >= LEAST_LENGTH && password !== value ? [password] : [];
}

/**
 * Remembers the secrets of a file: URLs and passwords, also of its targets and imports, and the variables that they
 * name.
 */
export function rememberFile(file: unknown, environment: Environment): void {
  const visit = (value: unknown, key: string, depth: number): void => {
    if (depth > DEEPEST || typeof value !== "object" || value === null) {
      if (typeof value === "string") rememberValue(key, value, environment);
      return;
    }
    if (isVariable(value)) {
      for (const text of [environment[value.variable], value.default])
        if (typeof text === "string") rememberValue(key, text, environment);
      return;
    }
    for (const [name, each] of Object.entries(value)) visit(each, name, depth + 1);
  };
  visit(file, "", 0);
  rememberWebhooks(file, environment);
}

/** The tokens in their URLs, and what signs their messages. */
function rememberWebhooks(file: unknown, environment: Environment): void {
  const { webhooks } = (file ?? {}) as { readonly webhooks?: unknown };
  for (const webhook of Array.isArray(webhooks) ? webhooks : []) {
    const { url, secrets } = (webhook ?? {}) as { readonly url?: unknown; readonly secrets?: unknown };
    for (const given of [url, ...(Array.isArray(secrets) ? secrets : [])])
      for (const text of isVariable(given) ? [environment[given.variable], given.default] : [given])
        if (typeof text === "string") remember(...tokensIn(text.trim()));
  }
}

/** Depth of the deepest value: targets, name, imports, name, key. */
const DEEPEST = 6;
const URL_KEYS: ReadonlySet<string> = new Set(["databaseUrl", "url", "from"]);

function rememberValue(key: string, value: string, environment: Environment): void {
  if (URL_KEYS.has(key) || URL_START.test(value)) remember(...passwordsIn(value));
  else if (SECRET_NAME.test(key)) remember(...secretsIn(value, environment));
}

/** A password that equals the name of the user or of the database is no secret. */
function secretsIn(value: string, { PGUSER, PGDATABASE }: Environment): readonly string[] {
  return value === PGUSER || value === PGDATABASE ? [] : [value];
}

const variablesOfKind = (kind: "secret" | "url") =>
  OPTIONS.filter((option) => option.kind === kind).flatMap(variablesOf);
const OWN_SECRETS: ReadonlySet<string> = new Set(["PGPASSWORD", ...variablesOfKind("secret")]);
const OWN_URLS: ReadonlySet<string> = new Set(variablesOfKind("url"));
