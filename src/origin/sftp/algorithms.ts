/** Which algorithms are offered to a server, in which order. */
import type { Algorithms, ServerHostKeyAlgorithm } from "ssh2";

const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
];

export interface AlgorithmOptions {
  /** Key types by which the server would be recognised; empty: any. */
  readonly preferred: readonly string[];
  /** Key types that it has shown already, and that were not it. */
  readonly excluded: readonly string[];
  readonly legacy: boolean;
}

/** `undefined`: every type of host key is excluded. */
export function algorithmsFor({ preferred, excluded, legacy }: AlgorithmOptions): Algorithms | undefined {
  const all: ServerHostKeyAlgorithm[] = [...HOST_KEYS, ...(legacy ? (["ssh-rsa"] as const) : [])];
  const possible = all.filter((name) => !excluded.includes(keyTypeOf(name)));
  if (possible.length === 0) return undefined;
  // The server has several keys and shows the first that we ask for: it should be one that can be recognised.
  const isPreferred = (name: string) => preferred.includes(keyTypeOf(name));
  const serverHostKey = [...possible.filter(isPreferred), ...possible.filter((name) => !isPreferred(name))];
  if (!legacy) return { serverHostKey };
  return {
    serverHostKey,
    // Behind all others: taken only where the server has nothing better.
    kex: {
      append: [
        "diffie-hellman-group-exchange-sha1",
        "diffie-hellman-group14-sha1",
        "diffie-hellman-group1-sha1",
      ],
      prepend: [],
      remove: [],
    },
  };
}

/** RSA keys are of one type, whatever hash their signatures are made with. */
function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm;
}
