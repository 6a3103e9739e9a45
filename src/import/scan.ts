/**
 * Looks at every folder of an origin and records what it finds. `images/scans.ts` describes the protocol. Folders are
 * read a few at a time and page by page. Memory does not grow with the number of files.
 */
import type { Connection } from "../database/connection.ts";
import { ImportFailed } from "../errors.ts";
import type { FolderFound, ListedFile, Scan, Scans } from "../images/scans.ts";
import type { Entry, Origin } from "../origin/origin.ts";
import { createExclusion, type Exclusion, otherKind } from "./exclude.ts";
import { type Pattern, parsePattern } from "./pattern.ts";
import type { Reach } from "./reach.ts";

export interface ScanOptions {
  readonly pattern: string;
  readonly exclude: readonly string[];
  readonly followLinks: boolean;
  readonly foldersAtOnce: number;
  readonly signal: AbortSignal;
  readonly onProgress: (seen: Counts) => void;
  /** Runs its statements in one transaction under the fence. */
  readonly transaction: (work: (connection: Connection) => Promise<void>) => Promise<void>;
}

export interface Counts {
  folders: number;
  files: number;
  bytes: number;
  ignored: number;
  outside: number;
}

export interface ScanResult {
  readonly counts: Readonly<Counts>;
  /** The first few files that do not fit the pattern. */
  readonly outside: readonly string[];
  readonly unreadable: readonly { readonly path: string; readonly message: string }[];
  /** Links that lead back into a scanned folder. */
  readonly loops: readonly string[];
  /** Links that lead out of the base and were not followed. */
  readonly links: readonly OutsideLink[];
  /** Links whose target is not there. */
  readonly nowhere: readonly string[];
}

export interface OutsideLink {
  readonly path: string;
  /** Absolute, on the other side. */
  readonly to: string;
}

const MAX_DEPTH = 64;
const MAX_FILE_BYTES = 2 ** 30;
const FILES_PER_FLUSH = 2_000;
const FOLDERS_PER_FLUSH = 200;

export async function scanOrigin(
  reach: Reach,
  scans: Scans,
  scan: Scan,
  options: ScanOptions,
): Promise<ScanResult> {
  const scanner = new Scanner(reach, scans, scan, options);
  await scanner.run();
  return scanner.result();
}

class Scanner {
  readonly #reach: Reach;
  readonly #scans: Scans;
  readonly #scan: Scan;
  readonly #options: ScanOptions;
  readonly #pattern: Pattern;
  readonly #exclusion: Exclusion;
  readonly #counts: Counts = { folders: 0, files: 0, bytes: 0, ignored: 0, outside: 0 };
  readonly #outside: string[] = [];
  readonly #unreadable: { path: string; message: string }[] = [];
  readonly #loops: string[] = [];
  readonly #links: OutsideLink[] = [];
  readonly #nowhere: string[] = [];
  /** Folders outside of the base that a link led to. */
  readonly #followed: string[] = [];
  readonly #todo: string[];
  readonly #seen = new Map<string, ListedFile>();
  readonly #folders: FolderFound[] = [];
  #flushing: Promise<void> = Promise.resolve();

  constructor(reach: Reach, scans: Scans, scan: Scan, options: ScanOptions) {
    this.#reach = reach;
    this.#scans = scans;
    this.#scan = scan;
    this.#options = options;
    this.#pattern = parsePattern(options.pattern);
    this.#exclusion = createExclusion(options.exclude);
    this.#todo = [...scan.folders];
    for (const path of scan.unreadable)
      this.#unreadable.push({ path, message: `Folder ${path} could not be read when this scan began.` });
  }

  result(): ScanResult {
    return {
      counts: this.#counts,
      outside: this.#outside,
      unreadable: this.#unreadable,
      loops: this.#loops,
      links: this.#links,
      nowhere: this.#nowhere,
    };
  }

  async run(): Promise<void> {
    const stop = new AbortController();
    let busy = 0;
    await new Promise<void>((resolve, reject) => {
      const fail = (error: unknown) => {
        stop.abort(error);
        reject(error);
      };
      const next = (): void => {
        if (stop.signal.aborted) return;
        if (this.#options.signal.aborted) {
          fail(this.#options.signal.reason);
          return;
        }
        if (this.#todo.length === 0 && busy === 0) {
          resolve();
          return;
        }
        while (busy < this.#options.foldersAtOnce && this.#todo.length > 0) {
          busy++;
          this.#folder(this.#todo.shift() ?? "").then(() => {
            busy--;
            next();
          }, fail);
        }
      };
      next();
    });
    await this.#flush();
  }

  async #folder(path: string): Promise<void> {
    try {
      const below = await this.#reach.with(async (origin) => {
        const folders: string[] = [];
        for await (const page of origin.list(path, { signal: this.#options.signal })) {
          for (const entry of page) this.#entry(origin, path, entry, folders);
          if (this.#seen.size >= FILES_PER_FLUSH) await this.#flush();
          this.#options.onProgress(this.#counts);
        }
        return folders;
      });
      this.#counts.folders++;
      this.#todo.push(...below);
      // Folders below come first. If this one were recorded as read before them, a crash would lose them.
      for (const each of below) this.#folders.push({ path: each, state: "found" });
      this.#folders.push({ path, state: "read" });
    } catch (error) {
      if (!(error instanceof ImportFailed) || error.code !== "ORIGIN_FOLDER_UNREADABLE" || path === "")
        throw error;
      this.#unreadable.push({ path, message: error.message });
      this.#folders.push({ path, state: "unreadable" });
    }
    if (this.#folders.length >= FOLDERS_PER_FLUSH) await this.#flush();
  }

  #entry(origin: Origin, folder: string, entry: Entry, folders: string[]): void {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (this.#exclusion.excludes(entry.name) || this.#exclusion.excludes(path)) this.#counts.ignored++;
    else if (entry.kind === "folder") this.#subfolder(origin, path, entry, folders);
    else if (entry.kind === "file") this.#file(origin, path, entry);
    else if (entry.kind === "nowhere") this.#leadsNowhere(path);
    else this.#counts.ignored++;
  }

  #subfolder(origin: Origin, path: string, entry: Entry, folders: string[]): void {
    if (!entry.addressable) {
      this.#unreadable.push({ path, message: `The name of folder ${path} is not UTF-8.` });
      this.#folders.push({ path, state: "unreadable" });
      return;
    }
    if (path.split("/").length > MAX_DEPTH) {
      this.#unreadable.push({ path, message: `Folder ${path} is nested deeper than ${MAX_DEPTH} folders.` });
      this.#folders.push({ path, state: "unreadable" });
      return;
    }
    if (this.#leavesOut(origin, path, entry)) return;
    const real = entry.realPath;
    if (real !== undefined) {
      const known = [origin.realBase, ...this.#followed];
      if (known.some((each) => isWithin(real, each) || isWithin(each, real))) {
        this.#loops.push(path);
        return;
      }
      this.#followed.push(real);
    }
    folders.push(path);
  }

  /**
   * Whether the entry is a link out of the base that nobody wants to be followed. It is recorded, so that what was imported
   * from there does not count as gone.
   */
  #leavesOut({ realBase }: Origin, path: string, { realPath }: Entry): boolean {
    if (this.#options.followLinks || realPath === undefined || isWithin(realPath, realBase)) return false;
    this.#links.push({ path, to: realPath });
    this.#folders.push({ path, state: "unfollowed" });
    return true;
  }

  /** Its share may not be mounted. What was imported through it does not count as gone. */
  #leadsNowhere(path: string): void {
    this.#counts.ignored++;
    this.#nowhere.push(path);
    this.#folders.push({ path, state: "unfollowed" });
  }

  #file(origin: Origin, path: string, entry: Entry): void {
    if (this.#pattern.match(path) === null) {
      this.#counts.outside++;
      if (this.#outside.length < 5) this.#outside.push(path);
      return;
    }
    if (this.#leavesOut(origin, path, entry)) return;
    if (!this.#seen.has(path)) {
      this.#counts.files++;
      this.#counts.bytes += entry.sizeBytes;
    }
    this.#seen.set(path, {
      path,
      sizeBytes: entry.sizeBytes,
      mtimeMs: entry.mtimeMs,
      verdict: verdictOf(path, entry),
    });
  }

  /** Flushes one after the other. Each takes everything that has arrived by then. */
  #flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      const seen = [...this.#seen.values()];
      const folders = lastOfEach(this.#folders);
      this.#seen.clear();
      this.#folders.length = 0;
      if (seen.length === 0 && folders.length === 0) return;
      await this.#options.transaction(async (connection) => {
        for (let at = 0; at < seen.length; at += FILES_PER_FLUSH)
          await this.#scans.recordFiles(connection, this.#scan.id, seen.slice(at, at + FILES_PER_FLUSH));
        await this.#scans.recordFolders(connection, this.#scan.id, folders);
      });
    });
    return this.#flushing;
  }
}

function verdictOf(path: string, entry: Entry): ListedFile["verdict"] {
  const refuse = (state: "quarantined" | "unsupported", code: string, reason: string) => ({
    state,
    code,
    reason,
  });
  if (!entry.addressable)
    return refuse(
      "quarantined",
      "FILE_NAME",
      "Its name is not UTF-8, so the origin cannot be asked for it. Rename it.",
    );
  if (entry.sizeBytes === 0) return refuse("quarantined", "FILE_EMPTY", "It is empty (0 bytes).");
  const other = otherKind(path);
  if (other !== null) return refuse("unsupported", "IMAGE_UNSUPPORTED", `By its name it is ${other}.`);
  if (entry.sizeBytes > MAX_FILE_BYTES)
    return refuse(
      "quarantined",
      "FILE_TOO_LARGE",
      `It has ${(entry.sizeBytes / 2 ** 30).toFixed(1)} GiB; 1 GiB is the limit.`,
    );
  return null;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/**
 * The last state of each folder. A folder may be found and read between two flushes, and a statement may name it only
 * once.
 */
function lastOfEach(folders: readonly FolderFound[]): readonly FolderFound[] {
  return [...new Map(folders.map((each) => [each.path, each])).values()];
}
