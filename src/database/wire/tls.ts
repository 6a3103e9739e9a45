/** From `sslmode` to what Node's TLS is told, with libpq's meaning of each mode. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ConnectionOptions } from "node:tls";
import { ConfigError } from "../../errors.ts";
import type { Host, TlsSettings } from "../address/address.ts";

/** One way to try: a value for the driver's `ssl` option. */
export type TlsAttempt = false | Omit<ConnectionOptions, "host" | "port" | "socket">;

/**
 * The ways to try, in this order, on this host. The next is for when the server answered but refused or broke
 * this one (no TLS, bad handshake, login refused); a host that cannot be reached fails all of them.
 * Throws `ConfigError` when a certificate file that was named cannot be read.
 */
export async function tlsAttempts(
  tls: TlsSettings,
  { host, homeFolder }: { host: Host; homeFolder: string },
): Promise<readonly [TlsAttempt, ...TlsAttempt[]]> {
  // Over a socket there is nobody in between, and PostgreSQL offers no TLS there.
  if (tls.mode === "disable" || host.host.startsWith("/")) return [false];
  const secure = await secureOptions(tls, homeFolder);
  if (tls.mode === "allow") return [false, secure];
  if (tls.mode === "prefer") return [secure, false];
  return [secure];
}

async function secureOptions(tls: TlsSettings, homeFolder: string): Promise<Exclude<TlsAttempt, false>> {
  const folder = join(homeFolder, ".postgresql");
  const verifies = tls.mode === "verify-ca" || tls.mode === "verify-full";
  const root =
    tls.rootCertificate === "system"
      ? undefined
      : tls.rootCertificate === undefined
        ? await readIfThere(join(folder, "root.crt"))
        : // A named file that does not exist matters only to the modes that promise to verify.
          verifies
          ? await readNamed(tls.rootCertificate, "sslrootcert")
          : await readIfThere(tls.rootCertificate);
  const certificate = await readPair(tls.certificate, join(folder, "postgresql.crt"), "sslcert");
  const key = certificate && (await readPair(tls.key, join(folder, "postgresql.key"), "sslkey"));
  const checksChain = verifies || (tls.mode === "require" && root !== undefined);
  return {
    rejectUnauthorized: checksChain,
    ...(root === undefined ? {} : { ca: root }),
    // Without verify-full the chain is checked but not the name, as in libpq.
    ...(checksChain && tls.mode !== "verify-full" ? { checkServerIdentity: () => undefined } : {}),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(tls.keyPassword === undefined ? {} : { passphrase: tls.keyPassword.reveal() }),
  };
}

function readPair(named: string | undefined, standard: string, keyword: string): Promise<string | undefined> {
  return named === undefined ? readIfThere(standard) : readNamed(named, keyword);
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readText(file).catch(() => undefined);
}

/** A pipe that nobody writes to would keep the process for ever, its end included. */
async function readText(file: string): Promise<string> {
  if ((await stat(file)).isFIFO()) throw new Error("it is a pipe");
  return readFile(file, "utf8");
}

async function readNamed(file: string, keyword: string): Promise<string> {
  return readText(file).catch((cause: NodeJS.ErrnoException) => {
    throw new ConfigError(
      {
        code: "URL_INVALID",
        message: `The file ${file} of ${keyword} cannot be read: ${cause.code === "ENOENT" ? "it does not exist" : cause.message}.`,
        hint: `Put the file there, or correct ${keyword} in the database URL.`,
      },
      { cause },
    );
  });
}
