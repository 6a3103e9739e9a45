/**
 * What of a configuration and its environment is secret, remembered before anything is read from them: also of targets
 * that are not meant, and of values that turn out to be wrong, because anybody may print them.
 */
import { passwordsIn } from "../std/credentials.ts";
import { remember } from "../std/secret.ts";
import { OPTIONS, variablesOf } from "./options.ts";
import { type Environment, isVariable } from "./read.ts";

/** Names that say it. Which variables are ours does not matter: a migration may print any of them. */
const SECRET_NAME =
  /(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|(?:PRIVATE|API|ACCESS|ENCRYPTION|SECRET|SIGNING|SIGNATURE|MASTER|SERVICE|SERVICE_ROLE|SESSION|COOKIE|JWT|HMAC|AUTH|APP|ACCOUNT|STORAGE|DEPLOY|LICENSE)_?KEY)$/i;
/** Names that often say it: their values are everyday words and paths too. */
const MAYBE_SECRET_NAME =
  /(?:^|_)(?:PASS|AUTH|SIGNING|SIGNATURE|CREDS?|SALT|PEPPER)$|_PWD$|^(?:DB|PG|MYSQL|REDIS|SMTP|FTP)(?:PASS|PWD)$/i;
/** The address of a service, whose user may be its key. */
const ADDRESS_NAME = /(?:^|_)(?:DSN|CONN|CONNECTION|CONN(?:ECTION)?_?STR(?:ING)?)$/i;
/** Of a variable that is only called like a secret: `REQUIRE_PASSWORD=always`. */
const LEAST_LENGTH = 8;
const URL_START = /^[a-z][a-z0-9+.-]{0,40}:\/\//i;

export function rememberEnvironment(environment: Environment): void {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || value === "") continue;
    if (OWN_SECRETS.has(name)) remember(...secretsIn(value, environment));
    else if (ADDRESS_NAME.test(name)) remember(...passwordsIn(value), ...userIn(value));
    else if (OWN_URLS.has(name) || URL_START.test(value)) remember(...passwordsIn(value));
    else if (value.length < LEAST_LENGTH) continue;
    else if (SECRET_NAME.test(name)) remember(value);
    else if (MAYBE_SECRET_NAME.test(name) && !isEveryday(value)) remember(value, ...passwordsBehind(value));
  }
}

/** `https://key@host`: who has no password is known by the name alone. */
function userIn(value: string): readonly string[] {
  const [, user = ""] = /^[a-z][a-z0-9+.-]{0,40}:\/\/([^:/?#@\s]+)@/i.exec(value) ?? [];
  return user.length >= LEAST_LENGTH ? [user] : [];
}

/** A path, or a word such as `required` or `caching_sha2`. */
function isEveryday(value: string): boolean {
  return /^(?:\.{0,2}\/|[a-z]:\\)/i.test(value) || /^[a-z_-]+$/.test(value);
}

/** `user:password` */
function passwordsBehind(value: string): readonly string[] {
  const password = value.slice(value.indexOf(":") + 1);
  return password.length >= LEAST_LENGTH && password !== value ? [password] : [];
}

/** Of the file: its URLs, its passwords, those of its targets and imports, and the variables that they name. */
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
}

/** targets · name · imports · name · key */
const DEEPEST = 6;
const URL_KEYS: ReadonlySet<string> = new Set(["databaseUrl", "url", "from"]);

function rememberValue(key: string, value: string, environment: Environment): void {
  if (URL_KEYS.has(key) || URL_START.test(value)) remember(...passwordsIn(value));
  else if (SECRET_NAME.test(key)) remember(...secretsIn(value, environment));
}

/** Who uses the name of the user or of the database as a password has no secret. */
function secretsIn(value: string, { PGUSER, PGDATABASE }: Environment): readonly string[] {
  return value === PGUSER || value === PGDATABASE ? [] : [value];
}

const variablesOfKind = (kind: "secret" | "url") =>
  OPTIONS.filter((option) => option.kind === kind).flatMap(variablesOf);
const OWN_SECRETS: ReadonlySet<string> = new Set(["PGPASSWORD", ...variablesOfKind("secret")]);
const OWN_URLS: ReadonlySet<string> = new Set(variablesOfKind("url"));
