/**
 * Finds out how an origin is reached: from `from`, or from the variables of a NAS. Throws `ConfigError`. It reads
 * only the files that it is told to read.
 */
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { ConfigError, type Problem } from "../../errors.ts";
import type { OriginSettings, SftpSettings, Vouching } from "../../origin/origin.ts";
import { homeFolder } from "../../std/home-folder.ts";
import type { Config } from "../config.ts";
import type { ImportConfig } from "./imports.ts";

export interface FoundOrigin {
  readonly origin: OriginSettings;
  /** The origin for people, without secrets. */
  readonly description: string;
  /** What a person would correct to change it. */
  readonly originFrom: string;
}

const CONNECT_TIMEOUT_MS = 30_000;

/**
 * The origin of an import, or a problem if the environment does not say all that is needed. Then the import is
 * skipped.
 */
export function findOrigin(
  wanted: ImportConfig,
  config: Config,
): FoundOrigin | { readonly missing: Problem } {
  const from = wanted.values.from?.reveal() ?? null;
  if (from === null) return fromEnvironment(wanted, config);
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(from)) {
    const base = isAbsolute(from) ? from : resolve(config.root, from);
    return { origin: { kind: "directory", base }, description: base, originFrom: fromOf(wanted) };
  }
  return fromUrl(wanted, from, config);
}

function fromEnvironment(wanted: ImportConfig, config: Config): FoundOrigin | { readonly missing: Problem } {
  const { nasHost, nasPort, nasUsername, nasPassword, nasPrivateKey, nasBasePath } = config.values;
  const missing = [
    ...(nasHost === null ? ["QNAP_HOST"] : []),
    ...(nasUsername === null ? ["QNAP_USERNAME"] : []),
    ...(nasPassword === null && nasPrivateKey === null ? ["QNAP_PASSWORD (or QNAP_PRIVATE_KEY)"] : []),
  ];
  if (nasHost === null || nasUsername === null || missing.length > 0)
    return {
      missing: {
        code: "IMPORT_CREDENTIALS_MISSING",
        message: `Import ${wanted.name} is skipped: the NAS is not configured, ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing.`,
        hint: "Set them, or name another origin with imports.<name>.from. Everything else goes on.",
      },
    };
  return sftp(wanted, config, { host: nasHost, port: nasPort, username: nasUsername, base: nasBasePath });
}

function fromOf({ name, values, typed }: ImportConfig): string {
  if (typed !== undefined) return "--from";
  return values.from === null ? "QNAP_HOST and NAS_BASE_PATH" : `imports.${name}.from`;
}

/** How people vouch for the key of this import's host, with what the command at hand takes. */
function vouchingOf({ name, values, typed }: ImportConfig, isNas: boolean): Vouching {
  if (typed?.takesHostKey === true) return { pin: "--host-key {key}", trust: "--trust-on-first-use" };
  const trust = typed !== undefined || values.from === null ? null : `imports.${name}.trustOnFirstUse: true`;
  const hasVariable = isNas && (typed !== undefined || values.from === null);
  return { pin: hasVariable ? "QNAP_HOST_KEY={key}" : `imports.${name}.hostKey: "{key}"`, trust };
}

function fromUrl(wanted: ImportConfig, from: string, config: Config): FoundOrigin {
  const refuse = (why: string) =>
    new ConfigError({
      code: "CONFIG_INVALID",
      message: `The origin of import ${wanted.name} cannot be understood: ${why}.`,
      hint: "Write a folder, or sftp://user@host:port/path. In a password @ is %40, / is %2F, # is %23.",
    });
  let url: URL;
  try {
    url = new URL(from);
  } catch {
    throw refuse("it is no URL");
  }
  if (url.protocol !== "sftp:" && url.protocol !== "ssh:")
    throw refuse(`${url.protocol}// is not supported, sftp:// is`);
  if (url.search !== "" || url.hash !== "") throw refuse("it has a ? or a #");
  const username = decodeURIComponent(url.username) || config.values.nasUsername;
  if (username === null) throw refuse("it names no user");
  // URLs cannot have an empty path everywhere, so it means `/`. A path below the home folder begins with `/~/`.
  const base = decodeURIComponent(url.pathname) || "/";
  return sftp(wanted, config, {
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? 22 : Number(url.port),
    username,
    base: base.startsWith("/~/") ? base.slice(3) : base,
    ...(url.password === "" ? {} : { password: decodeURIComponent(url.password) }),
  });
}

function sftp(
  wanted: ImportConfig,
  config: Config,
  at: Pick<SftpSettings, "host" | "port" | "username" | "base" | "password">,
): FoundOrigin {
  const { values, environment } = config;
  const { hostKey, trustOnFirstUse, channels, legacyAlgorithms, operationTimeout } = wanted.values;
  const home = environment.HOME || homeFolder();
  // The variables of a NAS hold for the host that they name.
  const isNas = values.nasHost === null || values.nasHost === at.host;
  const password = at.password ?? (isNas ? values.nasPassword?.reveal() : undefined);
  const privateKey =
    isNas && values.nasPrivateKey !== null ? keyOf(values.nasPrivateKey.reveal(), config.root) : undefined;
  const agent = environment.SSH_AUTH_SOCK || undefined;
  const own = password === undefined && privateKey === undefined ? keyOfHome(home) : undefined;
  const passphrase = values.nasPassphrase?.reveal();
  const key = privateKey ?? own;
  return {
    origin: {
      kind: "sftp",
      ...at,
      ...(password === undefined ? {} : { password }),
      ...(key === undefined ? {} : { privateKey: key }),
      ...(passphrase === undefined ? {} : { passphrase }),
      ...(agent === undefined || password !== undefined || privateKey !== undefined ? {} : { agent }),
      hostKeys: {
        pinned: hostKey.length > 0 ? hostKey : isNas ? values.nasHostKey : [],
        knownHosts: textOf(join(home, ".ssh", "known_hosts")),
        trustOnFirstUse,
        vouching: vouchingOf(wanted, isNas && hostKey.length === 0),
      },
      operationTimeoutMs: operationTimeout === 0 ? 2 ** 31 - 1 : operationTimeout,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      channels,
      legacyAlgorithms,
    },
    originFrom: fromOf(wanted),
    description: `sftp://${at.username}@${at.host}${at.port === 22 ? "" : `:${at.port}`}${at.base.startsWith("/") ? "" : "/"}${at.base}`,
  };
}

/** Reads a private key that is given as text or as the path of a file. */
function keyOf(given: string, root: string): string {
  if (given.includes("-----BEGIN") || given.startsWith("PuTTY-User-Key-File"))
    return given.replaceAll("\\n", "\n");
  const text = textOf(isAbsolute(given) ? given : resolve(root, given));
  if (text !== null) return text;
  throw new ConfigError({
    code: "CONFIG_VARIABLE_INVALID",
    message: "QNAP_PRIVATE_KEY is neither a private key nor a file that can be read.",
    hint: "Set it to the text of the key (with its -----BEGIN line), or to the path of its file.",
  });
}

function keyOfHome(home: string): string | undefined {
  for (const name of ["id_ed25519", "id_ecdsa", "id_rsa"]) {
    const text = textOf(join(home, ".ssh", name));
    // A key with a passphrase is left to the SSH agent.
    if (text !== null && !/ENCRYPTED|bcrypt/.test(text)) return text;
  }
  return undefined;
}

function textOf(path: string): string | null {
  try {
    return existsSync(path) ? readFileSync(path, "utf8") : null;
  } catch {
    return null;
  }
}
