/**
 * Where files come from. An origin is a tree of folders under one base; paths are relative to it, with `/`
 * between names, and are exactly what the other side calls them (no Unicode normalisation: it must find them again).
 */

export interface Entry {
  /** The last part of its path, exactly as the other side spells it. */
  readonly name: string;
  /** After following a link; `other`: a device, a socket, a link to nowhere. */
  readonly kind: "file" | "folder" | "other";
  readonly sizeBytes: number;
  /** Whole milliseconds since 1970 by the other side's clock; SFTP tells whole seconds. */
  readonly mtimeMs: number;
  /** Where a link leads, absolute on the other side; only for links. */
  readonly realPath?: string;
  /** `false`: its name is not UTF-8, so it cannot be asked for again. */
  readonly addressable: boolean;
}

/** What was known of a file when it was listed. */
export interface Expected {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Told about bytes as they arrive. */
  readonly onBytes?: (count: number) => void;
}

export interface Origin extends AsyncDisposable {
  /** For people and logs, never with a secret: `sftp://worker@nas:22/share/Graphics`, or a folder. */
  readonly description: string;
  /** The base after following links, absolute on the other side. */
  readonly realBase: string;
  /**
   * The entries of a folder (`""` is the base), in pages, so that a folder of 100,000 files needs little memory.
   * In no particular order; `.` and `..` are left out. Throws `ImportFailed`: `ORIGIN_FOLDER_UNREADABLE`,
   * `ORIGIN_LOST`, `ORIGIN_TIMEOUT`.
   */
  list(folder: string, options: { readonly signal: AbortSignal }): AsyncIterable<readonly Entry[]>;
  /** How a file looks now. Throws `ImportFailed`: `FILE_GONE`, `FILE_UNREADABLE`, `ORIGIN_LOST`, `ORIGIN_TIMEOUT`. */
  stat(path: string, options: { readonly signal: AbortSignal }): Promise<Expected>;
  /**
   * All bytes of a file, which must look as expected before the first byte is read and after the last one, and
   * must have as many bytes as it says. Throws `ImportFailed`: `FILE_CHANGED`, `FILE_GONE`, `FILE_UNREADABLE`,
   * `ORIGIN_LOST`, `ORIGIN_TIMEOUT`.
   */
  read(path: string, expected: Expected, options: ReadOptions): Promise<Buffer>;
  /** Ends the connection; safe to call twice. What is still being read fails with `ORIGIN_LOST`. */
  close(): Promise<void>;
}

/** How to reach an origin, as plain data: it is handed to worker processes. */
export type OriginSettings = DirectorySettings | SftpSettings;

export interface DirectorySettings {
  readonly kind: "directory";
  /** Absolute. */
  readonly base: string;
}

export interface SftpSettings {
  readonly kind: "sftp";
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** Absolute, on the other side. */
  readonly base: string;
  readonly password?: string;
  /** The text of a private key. */
  readonly privateKey?: string;
  readonly passphrase?: string;
  /** The socket of an SSH agent. */
  readonly agent?: string;
  readonly hostKeys: HostKeyPolicy;
  /** How long one operation may take without an answer. */
  readonly operationTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** How many SFTP channels one connection opens at most; fewer where the server refuses more. */
  readonly channels: number;
  /** Older firmware: allow key exchange and signatures with SHA-1. */
  readonly legacyAlgorithms: boolean;
}

export interface HostKeyPolicy {
  /** `SHA256:…` as `ssh-keygen -l` prints it, or a public key in base64. If there are any, only these count. */
  readonly pinned: readonly string[];
  /** The text of a `known_hosts` file, if there is one. */
  readonly knownHosts: string | null;
  /** `true`: a host that is in neither is trusted, and `onTrusted` of `openOrigin` is told its key. */
  readonly trustOnFirstUse: boolean;
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  /** A host was trusted on first use: remember this pin. */
  readonly onTrusted?: (pin: string) => void;
  /** Something that is worth knowing, once: for example that encryption runs without its native part. */
  readonly onNotice?: (message: string) => void;
}
