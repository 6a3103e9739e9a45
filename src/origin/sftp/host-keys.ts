/**
 * Decides by its host key whether a server is the one you mean. A pin takes precedence over `known_hosts`. A host in
 * `known_hosts` is never trusted on first use: an attacker in between could simply offer a key of another type. The
 * decision is made from values alone, before any secret is sent.
 */
import { createHash } from "node:crypto";
import { ImportFailed } from "../../errors.ts";
import type { HostKeyPolicy, Vouching } from "../origin.ts";
import { findKnownKeys } from "./known-hosts.ts";

export type Verdict =
  | { readonly kind: "known" }
  /** The host is unknown, and its first key is to be trusted. Remember this pin. */
  | { readonly kind: "first"; readonly pin: string }
  | { readonly kind: "refused"; readonly error: ImportFailed };

const BY_OPTION: Vouching = { pin: 'hostKey: "{key}"', trust: "trustOnFirstUse: true" };

export interface Host {
  readonly host: string;
  readonly port: number;
}

/** `SHA256:…` of a public key, as `ssh-keygen -l` prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

export function judgeHostKey(key: Buffer, { host, port }: Host, policy: HostKeyPolicy): Verdict {
  const shown = fingerprintOf(key);
  const type = typeOf(key);
  const { pin, trust } = policy.vouching ?? BY_OPTION;
  const pinned = (what: string) => pin.replace("{key}", () => what);
  if (policy.pinned.length > 0) {
    const pins = policy.pinned.map(pinToFingerprint);
    if (pins.includes(shown)) return { kind: "known" };
    return changed(`not the pinned ${pins.join(" or ")}`, `the pin (${pinned("…")})`);
  }
  const { accepted, revoked } = findKnownKeys(policy.knownHosts ?? "", host, port);
  const base64 = key.toString("base64");
  if (revoked.some((known) => known.key === base64)) {
    return changed("which known_hosts marks as @revoked", "known_hosts");
  }
  if (accepted.some((known) => known.key === base64)) return { kind: "known" };
  if (accepted.length > 0) {
    const known = accepted.map((one) => `${fingerprintOf(Buffer.from(one.key, "base64"))} (${one.type})`);
    return changed(`not the one in known_hosts: ${known.join(", ")}`, "the line in known_hosts");
  }
  if (policy.trustOnFirstUse) return { kind: "first", pin: shown };
  return {
    kind: "refused",
    error: new ImportFailed({
      code: "ORIGIN_HOST_UNKNOWN",
      message: `${host}:${port} shows the host key ${shown} (${type}), which nobody has vouched for.`,
      hint:
        `Compare it with the server's own (there: ssh-keygen -lf /etc/ssh/ssh_host_${shortType(type)}_key.pub) and pin it: ` +
        `${pinned(shown)}. Or add it to known_hosts (ssh-keyscan -p ${port} ${host})` +
        `${trust === null ? "." : `, or trust the host on first use: ${trust}.`}`,
      details: { host, port, fingerprint: shown, type },
    }),
  };

  function changed(expected: string, remedy: string): Verdict {
    return {
      kind: "refused",
      error: new ImportFailed({
        code: "ORIGIN_HOST_CHANGED",
        message: `${host}:${port} shows the host key ${shown} (${type}), ${expected}.`,
        hint:
          "Somebody may sit between you and the server; nothing was sent. If the server was reinstalled, " +
          `compare its key with the one shown (there: ssh-keygen -lf /etc/ssh/ssh_host_${shortType(type)}_key.pub), then change ${remedy}.`,
        details: { host, port, fingerprint: shown, type, expected },
      }),
    };
  }
}

/** The key types that would be recognised. Empty if any type may match (a fingerprint does not tell its type). */
export function typesOf({ host, port }: Host, policy: HostKeyPolicy): readonly string[] {
  const types =
    policy.pinned.length > 0
      ? policy.pinned.map((pin) => typeOf(blobOf(pin)))
      : findKnownKeys(policy.knownHosts ?? "", host, port).accepted.map(({ type }) => type);
  return types.includes("") ? [] : [...new Set(types)];
}

/** Reads a pin as people write it: a fingerprint with or without prefix and padding, a key, or a line of a `.pub` file. */
function pinToFingerprint(pin: string): string {
  const blob = blobOf(pin);
  if (blob.length > 0) return fingerprintOf(blob);
  return `SHA256:${pin
    .trim()
    .replace(/^SHA256:/i, "")
    .replace(/=+$/, "")}`;
}

/** The public key that a pin contains. Empty if it contains a fingerprint. */
function blobOf(pin: string): Buffer {
  for (const word of pin.trim().split(/\s+/)) {
    const blob = /^[A-Za-z0-9+/]+={0,2}$/.test(word) ? Buffer.from(word, "base64") : Buffer.alloc(0);
    if (typeOf(blob) !== "") return blob;
  }
  return Buffer.alloc(0);
}

/** A public key begins with the length and the name of its type. */
function typeOf(blob: Buffer): string {
  const length = blob.length >= 4 ? blob.readUInt32BE(0) : 0;
  if (length === 0 || length > 64 || blob.length < 4 + length) return "";
  const type = blob.toString("latin1", 4, 4 + length);
  return /^[a-z0-9@.-]+$/.test(type) ? type : "";
}

/** The type as in the names of the files in `/etc/ssh`. */
function shortType(type: string): string {
  return type.startsWith("ecdsa") ? "ecdsa" : type === "ssh-rsa" ? "rsa" : "ed25519";
}
