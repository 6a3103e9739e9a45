/**
 * Where files come from. An origin is a tree of folders below one base. Paths are relative to the base, with `/` between
 * names. They are exactly what the other side calls them: without Unicode normalisation, so that the other side finds
 * them again.
 */

export interface Entry {
  /** The last part of its path, exactly as the other side spells it. */
  readonly name: string;
  /** The kind after following a link. `nowhere`: a link whose target is not there. `other`: a device or a socket. */
  readonly kind: "file" | "folder" | "nowhere" | "other";
  readonly sizeBytes: number;
  /** Whole milliseconds since 1970 by the other side's clock. SFTP reports whole seconds. */
  readonly mtimeMs: number;
  /** The target of a link, absolute on the other side. Only links have it. */
  readonly realPath?: string;
  /** `false`: the name is not UTF-8, so the entry cannot be requested. */
  readonly addressable: boolean;
}

/** How a file looked when it was listed. */
export interface Expected {
  readonly sizeBytes: number;
  readonly mtimeMs: number;
}

export interface ReadOptions {
  readonly signal: AbortSignal;
  /** Called with the number of bytes as they arrive. */
  readonly onBytes?: (count: number) => void;
}

export interface Origin extends AsyncDisposable {
  /** For people and logs, never with a secret: `sftp://worker@nas:22/share/Graphics`, or a folder. */
  readonly description: string;
  /** The base after following links, absolute on the other side. */
  readonly realBase: string;
  /** The fingerprint of the server's key. Only a server has one. */
  readonly hostKey?: string;
  /**
   * Lists the entries of a folder (`""` is the base) in pages, so that a folder of 100,000 files needs little memory.
   * The entries have no particular order; `.` and `..` are left out. Throws `ImportFailed`: `ORIGIN_FOLDER_UNREADABLE`,
   * `ORIGIN_LOST`, `ORIGIN_TIMEOUT`.
   */
  list(folder: string, options: { readonly signal: AbortSignal }): AsyncIterable<readonly Entry[]>;
  /** How a file looks now. Throws `ImportFailed`: `FILE_GONE`, `FILE_UNREADABLE`, `ORIGIN_LOST`, `ORIGIN_TIMEOUT`. */
  stat(path: string, options: { readonly signal: AbortSignal }): Promise<Expected>;
  /**
   * Reads all bytes of a file. The file must look as expected before the first byte is read and after the last one. It
   * must also have as many bytes as its size says. Throws `ImportFailed`: `FILE_CHANGED`, `FILE_GONE`,
   * `FILE_UNREADABLE`, `ORIGIN_LOST`, `ORIGIN_TIMEOUT`.
   */
  read(path: string, expected: Expected, options: ReadOptions): Promise<Buffer>;
  /** Ends the connection; safe to call twice. Reads in progress fail with `ORIGIN_LOST`. */
  close(): Promise<void>;
}

/** How to reach an origin. It is plain data because it is passed to worker processes. */
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
  /** How long one operation may wait for an answer. */
  readonly operationTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** How many SFTP channels one connection opens at most. It opens fewer if the server refuses more. */
  readonly channels: number;
  /** For older firmware: allows key exchange and signatures with SHA-1. */
  readonly legacyAlgorithms: boolean;
}

export interface HostKeyPolicy {
  /** `SHA256:…` as `ssh-keygen -l` prints it, or a public key in base64. If you give any, only these count. */
  readonly pinned: readonly string[];
  /** The text of a `known_hosts` file, if there is one. */
  readonly knownHosts: string | null;
  /** `true`: a host in neither list is trusted, and `onTrusted` of `openOrigin` receives its key. */
  readonly trustOnFirstUse: boolean;
  /** Default: the options of `imports.<name>`. */
  readonly vouching?: Vouching;
}

/** How people vouch for a host, as they would write it. `{key}` stands for the key. */
export interface Vouching {
  readonly pin: string;
  /** `null`: this import cannot trust on first use. */
  readonly trust: string | null;
}

export interface OpenOptions {
  readonly signal: AbortSignal;
  /** Called when a host was trusted on first use. Remember this pin. */
  readonly onTrusted?: (pin: string) => void;
  /** Called once with something worth knowing, such as that encryption runs without its native part. */
  readonly onNotice?: (message: string) => void;
}
