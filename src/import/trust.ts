/**
 * Trust on first use, remembered in the database, because a container has no home for a `known_hosts` file. The first
 * run that reaches a host stores its key. From then on every process of every run accepts only that key.
 */
import type { Connection } from "../database/connection.ts";
import { ImportFailed } from "../errors.ts";
import { trustedPin, trustPin } from "../images/runs.ts";
import { openOrigin } from "../origin/open.ts";
import type { OriginSettings } from "../origin/origin.ts";
import { isKnownHost } from "../origin/sftp/known-hosts.ts";
import { openFirst } from "./reach.ts";

export interface TrustOptions {
  readonly connection: Connection;
  readonly schema: string;
  readonly signal: AbortSignal;
  readonly onNotice: (message: string) => void;
}

/**
 * The settings with the host's key pinned, if the host is trusted on first use or was by an earlier run. A key in the
 * configuration takes precedence. So does a line in `known_hosts`, unless trust on first use is requested. Throws
 * what `openOrigin` throws.
 */
export async function withTrust(origin: OriginSettings, options: TrustOptions): Promise<OriginSettings> {
  if (origin.kind !== "sftp" || origin.hostKeys.pinned.length > 0) return origin;
  const { connection, schema, signal, onNotice } = options;
  const { trustOnFirstUse, knownHosts } = origin.hostKeys;
  if (!trustOnFirstUse && isKnownHost(knownHosts ?? "", origin)) return origin;
  const known = await trustedPin(connection, schema, origin);
  if (!trustOnFirstUse && known === null) return origin;
  let pin = known;
  const pinned = (key: string | null): OriginSettings =>
    key === null
      ? origin
      : {
          ...origin,
          hostKeys: { ...origin.hostKeys, pinned: [key], knownHosts: null, trustOnFirstUse: false },
        };
  try {
    const onTrusted = (found: string) => {
      pin = found;
    };
    await using _ = await openFirst(() => openOrigin(pinned(known), { signal, onTrusted }), signal);
  } catch (error) {
    if (!(error instanceof ImportFailed) || error.code !== "ORIGIN_HOST_CHANGED" || known === null)
      throw error;
    throw new ImportFailed(
      {
        code: "ORIGIN_HOST_CHANGED",
        message: error.message,
        hint: `It was trusted when it was first used. If its key was changed on purpose: delete from "${schema}".import_hosts where host = '${origin.host}' and port = ${origin.port};`,
      },
      { cause: error },
    );
  }
  if (known === null && pin !== null) {
    await trustPin(connection, schema, { host: origin.host, port: origin.port, pin });
    onNotice(`${origin.host} is trusted from now on by its key ${pin}`);
  }
  return pinned(pin);
}
