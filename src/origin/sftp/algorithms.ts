/** Which algorithms are offered to a server, and in which order. */
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
  /** The key types for which a known key exists. Empty: any type. */
  readonly preferred: readonly string[];
  /** Key types that the server has shown already, with keys that did not match. */
  readonly excluded: readonly string[];
  readonly legacy: boolean;
}

/** `undefined`: every type of host key is excluded. */
export function algorithmsFor({ preferred, excluded, legacy }: AlgorithmOptions): Algorithms | undefined {
  const all: ServerHostKeyAlgorithm[] = [...HOST_KEYS, ...(legacy ? (["ssh-rsa"] as const) : [])];
  const possible = all.filter((name) => !excluded.includes(keyTypeOf(name)));
  if (possible.length === 0) return undefined;
  // The server has several keys and shows the first type that we ask for. Known types are therefore asked for first.
  const isPreferred = (name: string) => preferred.includes(keyTypeOf(name));
  const serverHostKey = [...possible.filter(isPreferred), ...possible.filter((name) => !isPreferred(name))];
  if (!legacy) return { serverHostKey };
  return {
    serverHostKey,
    // These come last: they are used only if the server has nothing better.
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

/** RSA keys have one type, whatever hash their signatures use. */
function keyTypeOf(algorithm: string): string {
  return algorithm.startsWith("rsa-sha2-") ? "ssh-rsa" : algorithm;
}
