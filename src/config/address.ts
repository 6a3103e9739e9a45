/**
 * The address of a target: a URL, or its parts. Each is a value or a variable. The rest of the environment does not
 * count.
 */
import { parseAddress } from "../database/address/address.ts";
import { ConfigError, GodwitError, type Problem, problemsOf } from "../errors.ts";
import { type Environment, isVariable, lookUp } from "./read.ts";
import type { Provenance } from "./values.ts";

const PARTS = ["host", "port", "user", "password", "name", "sslMode", "sslRootCertificate"] as const;
type Part = (typeof PARTS)[number];
export const ADDRESS_KEYS = ["url", ...PARTS] as const;

/** Where a database is, to tell two of them apart. */
export interface AddressPlace {
  readonly hosts: readonly string[];
  readonly database: string;
}

export interface TargetAddress {
  readonly url: string | null;
  readonly provenance: Provenance;
  readonly place: AddressPlace | null;
  /** The variables that it was read from, except those of user and password, which are never shown. */
  readonly variables: readonly string[];
  readonly problems: readonly Problem[];
}

export interface AddressSources {
  readonly name: string;
  readonly environment: Environment;
  /** The value of `--database-url`. It replaces the address in the file. */
  readonly typed: unknown;
}

/** Reads the address of one target. It does not throw: `problems` lists everything that is missing or wrong. */
export function readAddress(
  own: Readonly<Record<string, unknown>>,
  { name, environment, typed }: AddressSources,
): TargetAddress {
  const problems: Problem[] = [];
  if (typeof typed === "string") {
    const provenance: Provenance = { kind: "flag", name: "database-url" };
    return { ...checked(typed, "--database-url", problems), provenance, variables: [], problems };
  }
  const variables: string[] = [];
  const read = (key: Part | "url"): string | undefined => {
    if (own[key] === undefined) return undefined;
    try {
      const { given, provenance } = lookUp(own[key], {
        environment,
        key: `targets.${name}.${key}`,
        file: "",
      });
      if (provenance.kind === "variable" && !["user", "password"].includes(key))
        variables.push(provenance.name);
      return String(given);
    } catch (error) {
      if (!(error instanceof GodwitError)) throw error;
      problems.push(...problemsOf(error));
      return undefined;
    }
  };
  const parts = PARTS.filter((key) => own[key] !== undefined);
  if (own.url !== undefined && parts.length > 0)
    problems.push(
      wrong(`targets.${name} has a url and also ${parts.join(", ")}.`, "Write one or the other."),
    );
  else if (own.url === undefined)
    for (const key of ["host", "user", "name"] as const)
      if (own[key] === undefined && parts.length > 0)
        problems.push(wrong(`targets.${name} has no ${key}.`, `Write ${key}: env("…"), or a url.`));
  if (own.url === undefined && parts.length === 0)
    problems.push(
      wrong(
        `targets.${name} does not say where its database is.`,
        "Write url, or host, user, password and name. DATABASE_URL and PG* variables belong to no target.",
      ),
    );
  if (own.url !== undefined) {
    const url = read("url");
    const label = labelOf(own.url, `targets.${name}.url`);
    const provenance: Provenance = isVariable(own.url)
      ? { kind: "variable", name: own.url.variable }
      : { kind: "file", name: `targets.${name}.url` };
    if (url === undefined) return { url: null, place: null, provenance, variables, problems };
    return { ...checked(url, label, problems), provenance, variables, problems };
  }
  const values = new Map(PARTS.map((key) => [key, read(key)]));
  const port = values.get("port")?.trim();
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    problems.push({
      code: isVariable(own.port) ? "CONFIG_VARIABLE_INVALID" : "CONFIG_INVALID",
      message: `${labelOf(own.port, `targets.${name}.port`)} is not a port from 1 to 65535${shown(port)}.`,
      hint: isVariable(own.port) ? `It is the port of target ${name}.` : undefined,
    });
  const provenance: Provenance = { kind: "file", name: `targets.${name}` };
  if (problems.length > 0) return { url: null, place: null, provenance, variables, problems };
  return { ...checked(urlOf(values), `targets.${name}`, problems), provenance, variables, problems };
}

/** The place for people: `db:5432/shop`. */
export function placeOf(place: AddressPlace | null): string {
  return place === null ? "?" : `${place.hosts.join(",")}/${place.database}`;
}

function checked(
  url: string,
  label: string,
  problems: Problem[],
): { url: string | null; place: AddressPlace | null } {
  try {
    // The environment is left out, because its PG* variables may describe another database.
    const { hosts, database } = parseAddress({ url, environment: {} });
    return { url, place: { hosts: hosts.map(hostOf), database } };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const { message, ...rest } = error.toProblem();
    problems.push({ ...rest, message: `${label}: ${message}` });
    return { url: null, place: null };
  }
}

/** One name for all names of the local machine. */
function hostOf({ host, port }: { host: string; port: number }): string {
  const plain = host.toLowerCase().replace(/\.$/, "");
  return `${["127.0.0.1", "::1"].includes(plain) ? "localhost" : plain}:${port}`;
}

function urlOf(values: ReadonlyMap<Part, string | undefined>): string {
  const part = (key: Part) => encodeURIComponent(values.get(key)?.trim() ?? "");
  // The password is not trimmed, because it may begin or end with a space.
  const password = values.get("password");
  const secret = password === undefined ? "" : `:${encodeURIComponent(password)}`;
  const port = values.get("port") === undefined ? "" : `:${part("port")}`;
  const tls = [
    ...(values.get("sslMode") === undefined ? [] : [`sslmode=${part("sslMode")}`]),
    ...(values.get("sslRootCertificate") === undefined ? [] : [`sslrootcert=${part("sslRootCertificate")}`]),
  ];
  return `postgres://${part("user")}${secret}@${part("host")}${port}/${part("name")}${tls.length === 0 ? "" : `?${tls.join("&")}`}`;
}

function labelOf(given: unknown, key: string): string {
  return isVariable(given) ? given.variable : key;
}

/** The text of a mistyped port. Other text is not shown, because it may be a password in the wrong variable. */
function shown(port: string): string {
  return /^-?\d[\w.]{0,7}$/.test(port) ? `: "${port}"` : "";
}

function wrong(message: string, hint: string): Problem {
  return { code: "CONFIG_INVALID", message, hint };
}
