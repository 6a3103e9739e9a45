/**
 * Where a database is and how to reach it, read from a URL, a `key=value` string and the PG* variables the
 * way libpq reads them. Pure: the environment is an argument. No message made here quotes a part of the URL
 * that could be a piece of a password.
 */
import { ConfigError, type Problem } from "../../errors.ts";
import { Secret } from "../../std/secret.ts";
import { parseConninfo } from "./conninfo.ts";
import { IGNORED_QUIETLY, KEYWORDS, SOMEONE_ELSES, VARIABLES } from "./keywords.ts";
import { invalid, parseUrl } from "./url.ts";

export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";
export type TargetSession = "any" | "read-write" | "read-only" | "primary" | "standby" | "prefer-standby";

/** A name, an IP address, or the folder of a Unix socket (starts with `/`). */
export interface Host {
  readonly host: string;
  readonly port: number;
}

export interface TlsSettings {
  readonly mode: SslMode;
  /** A file, or `system` for the authorities that the runtime trusts. */
  readonly rootCertificate?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  readonly keyPassword?: Secret | undefined;
  readonly negotiation: "postgres" | "direct";
  readonly channelBinding: "disable" | "prefer" | "require";
}

export interface Address {
  /** Tried in this order. */
  readonly hosts: readonly [Host, ...Host[]];
  readonly user: string;
  readonly password: Secret | undefined;
  readonly database: string;
  readonly tls: TlsSettings;
  /** `undefined` where nothing was asked for, `0` for no limit. */
  readonly connectTimeoutMs: number | undefined;
  readonly targetSession: TargetSession;
  readonly applicationName: string | undefined;
  /** Command-line options for the server session (`-c name=value`). */
  readonly options: string | undefined;
  readonly passwordFile: string | undefined;
  /** `pgbouncer=true` was given. */
  readonly declaredPooled: boolean;
  /** The URL for people: without password and without parameters. */
  readonly display: string;
  /** What was ignored, and why. */
  readonly warnings: readonly Problem[];
}

export interface AddressInput {
  readonly url: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The user of the operating system, libpq's last default for the user name. */
  readonly systemUser?: string | undefined;
}

/** Throws `ConfigError` `URL_MISSING`, `URL_INVALID` or `CONFIG_VARIABLE_INVALID`. */
export function parseAddress({ url, environment, systemUser }: AddressInput): Address {
  const given = parseText(url?.trim(), environment);
  const warnings: Problem[] = [];
  const settings = new Map<string, Setting>();
  for (const [variable, keyword] of VARIABLES) {
    const value = environment[variable];
    if (value) settings.set(keyword, { value, variable });
  }
  for (const [keyword, value] of given) {
    if (KEYWORDS.has(keyword)) settings.set(keyword, { value, variable: undefined });
    else if (!IGNORED_QUIETLY.has(keyword)) warnings.push(ignored(keyword));
  }
  if (settings.get("service")?.value) throw serviceRefused();
  // JDBC's spelling, which libpq understands as well.
  if (given.get("ssl") === "true" && !given.has("sslmode")) {
    settings.set("sslmode", { value: "require", variable: undefined });
  }

  const read = (keyword: string) => settings.get(keyword)?.value || undefined;
  const user =
    read("user") ?? systemUser ?? environment.USER ?? environment.LOGNAME ?? environment.USERNAME ?? "";
  if (!user)
    throw invalid("The database URL names no user.", "Write postgres://user:password@host/database.");
  const database = read("dbname") ?? user;
  const password = settings.get("password")?.value;
  const keyPassword = read("sslpassword");
  const hosts = readHosts(settings);
  return {
    hosts,
    user,
    password: password
      ? new Secret(password, { parts: [user, database].includes(password) ? [] : [password] })
      : undefined,
    database,
    tls: {
      mode: readMode(settings),
      rootCertificate: read("sslrootcert"),
      certificate: read("sslcert"),
      key: read("sslkey"),
      keyPassword: keyPassword ? new Secret(keyPassword) : undefined,
      negotiation: oneOf(settings, "sslnegotiation", ["postgres", "direct"]) ?? "postgres",
      channelBinding: oneOf(settings, "channel_binding", ["disable", "prefer", "require"]) ?? "prefer",
    },
    connectTimeoutMs: readTimeout(settings),
    targetSession: oneOf(settings, "target_session_attrs", TARGET_SESSIONS) ?? "any",
    applicationName: read("application_name") ?? read("fallback_application_name"),
    options: read("options"),
    passwordFile: read("passfile"),
    declaredPooled: given.get("pgbouncer") === "true",
    display: displayUrl(hosts, user, password !== undefined && password !== "", database),
    warnings,
  };
}

interface Setting {
  readonly value: string;
  /** The variable it came from; `undefined` when it is from the URL. */
  readonly variable: string | undefined;
}

const MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
const TARGET_SESSIONS = ["any", "read-write", "read-only", "primary", "standby", "prefer-standby"] as const;

function parseText(text: string | undefined, environment: AddressInput["environment"]): Map<string, string> {
  if (text && isAdo(text))
    throw invalid(
      "The database URL is a connection string of ADO.NET (Host=…;Username=…), which PostgreSQL does not read.",
      "Write it as postgres://user:password@host:5432/database; special characters of the password are percent-encoded.",
    );
  if (text) return /^\s*\w+\s*=/.test(text) ? parseConninfo(text) : parseUrl(text);
  const named = ["PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE"].some((name) => environment[name]);
  if (text === undefined && named) return new Map();
  const set = "Set DATABASE_URL or pass --database-url postgres://user:password@host:5432/database.";
  const alone = ["PGUSER", "PGPASSWORD", "PGPORT"].find((name) => environment[name]);
  if (text === undefined && alone !== undefined)
    throw new ConfigError({
      code: "URL_MISSING",
      message: `No database URL was given, and ${alone} alone does not say which database is meant.`,
      hint: `${set} Or set PGHOST or PGDATABASE as well. For the embedded PostgreSQL, unset ${alone}.`,
    });
  throw new ConfigError({
    code: "URL_MISSING",
    message: text === undefined ? "No database URL was given." : "The database URL is empty.",
    hint: set,
  });
}

/** `Host=db;Username=app;Password=…`: read as libpq's notation, all of it would be the name of a host. */
export function isAdo(text: string): boolean {
  const key = `(?:host|server|data source|address|port|database|initial catalog|user ?(?:id|name)?|uid|password|pwd|ssl ?mode|pooling|timeout)`;
  return new RegExp(`^\\s*${key}\\s*=[^;]*;\\s*${key}\\s*=`, "i").test(text);
}

function readHosts(settings: ReadonlyMap<string, Setting>): readonly [Host, ...Host[]] {
  const names = (settings.get("host")?.value ?? settings.get("hostaddr")?.value ?? "").split(",");
  const portSetting = settings.get("port");
  const ports = (portSetting?.value ?? "").split(",");
  if (ports.length !== 1 && ports.length !== names.length) {
    throw wrong(portSetting, `The database URL names ${names.length} hosts but ${ports.length} ports.`);
  }
  const hosts = names.flatMap((name, index) => {
    const port = readPort((ports.length === 1 ? ports[0] : ports[index]) ?? "", portSetting);
    // libpq's compiled-in folder differs: Debian and most packages use the first, a build from source the second.
    return (name.trim() === "" ? SOCKET_FOLDERS : [name.trim()]).map((host) => ({ host, port }));
  });
  return hosts as [Host, ...Host[]];
}

const SOCKET_FOLDERS = ["/var/run/postgresql", "/tmp"];

function readPort(text: string, setting: Setting | undefined): number {
  if (text.trim() === "") return 5432;
  const port = /^\s*\d{1,5}\s*$/.test(text) ? Number(text) : 0;
  if (port >= 1 && port <= 65_535) return port;
  throw wrong(setting, "The port in the database URL is not a number from 1 to 65535.", PASSWORD_HINT);
}

const PASSWORD_HINT =
  "If it is part of the password: percent-encode the password's special characters (@ is %40, / is %2F, : is %3A, ? is %3F, # is %23, % is %25).";

function readMode(settings: ReadonlyMap<string, Setting>): SslMode {
  const setting = settings.get("sslmode");
  if (setting?.value === "no-verify") return "require"; // node-postgres' own word for it
  const system = settings.get("sslrootcert")?.value === "system";
  const mode = oneOf(settings, "sslmode", MODES);
  if (system && mode !== undefined && mode !== "verify-full") {
    throw wrong(
      setting,
      `sslrootcert=system works only with sslmode=verify-full, and sslmode is ${mode}.`,
      "Use sslmode=verify-full: a weaker one would trust any certificate of any public authority.",
    );
  }
  return mode ?? (system ? "verify-full" : "prefer");
}

function readTimeout(settings: ReadonlyMap<string, Setting>): number | undefined {
  const setting = settings.get("connect_timeout");
  if (!setting?.value) return undefined;
  if (!/^-?\d{1,6}$/.test(setting.value)) {
    throw wrong(
      setting,
      "connect_timeout is not a whole number of seconds.",
      "For example connect_timeout=10.",
    );
  }
  return Math.max(0, Number(setting.value)) * 1000;
}

function oneOf<Word extends string>(
  settings: ReadonlyMap<string, Setting>,
  keyword: string,
  words: readonly Word[],
): Word | undefined {
  const setting = settings.get(keyword);
  if (!setting?.value) return undefined;
  const found = words.find((word) => word === setting.value);
  if (found) return found;
  throw wrong(
    setting,
    `${keyword} has a value that PostgreSQL does not know.`,
    `Use one of: ${words.join(", ")}.`,
  );
}

function wrong(setting: Setting | undefined, message: string, hint?: string): ConfigError {
  if (setting?.variable === undefined) return invalid(message, hint);
  return new ConfigError({
    code: "CONFIG_VARIABLE_INVALID",
    message: `${setting.variable} is wrong: ${message.replace("in the database URL ", "")}`,
    hint,
  });
}

function ignored(keyword: string): Problem {
  const owner = SOMEONE_ELSES.get(keyword);
  const name = /^\w{1,40}$/.test(keyword) ? `"${keyword}"` : "with an unreadable name";
  return {
    code: "URL_PARAMETER_IGNORED",
    message: owner
      ? `The parameter "${keyword}" of the database URL is ignored: it belongs to ${owner.tool}.`
      : `The parameter ${name} of the database URL is ignored: PostgreSQL does not know it, or Godwit does not support it.`,
    hint: owner?.instead ?? "Remove it, or check its spelling.",
  };
}

function serviceRefused(): ConfigError {
  return invalid(
    "Connection service files (service=, PGSERVICE) are not supported.",
    "Write host, port, user and database into the URL.",
  );
}

function displayUrl(hosts: readonly Host[], user: string, password: boolean, database: string): string {
  const places = hosts.map(({ host, port }) => {
    const name = host.includes(":") ? `[${host}]` : encodeURIComponent(host);
    return port === 5432 ? name : `${name}:${port}`;
  });
  const shown =
    hosts.every(({ host }) => SOCKET_FOLDERS.includes(host)) && hosts.length === 2 ? "" : places.join(",");
  return `postgres://${encodeURIComponent(user)}${password ? ":***" : ""}@${shown}/${encodeURIComponent(database)}`;
}
