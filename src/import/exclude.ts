/**
 * Recognises files that are no designs: what NAS systems, macOS and Windows leave behind, and files of other kinds.
 * Pure.
 */

/**
 * Files and folders that are always left out. Thumbnails matter most: they are near-duplicates of everything, so a
 * missed one would spoil every result.
 */
const DEBRIS =
  /^(?:\..*|@eadir|@recycle|@recently-snapshot|@recently.*|#recycle|#snapshot|@sharebin|@tmp|thumbs\.db|ehthumbs.*\.db|desktop\.ini|\$recycle\.bin|system volume information|lost\+found|synophoto_thumb_.*|.*\.(?:tmp|part|partial|crdownload|filepart)|~\$.*)$/i;

export interface Exclusion {
  /** Whether this file or folder is left out, or lies in a folder that is. */
  excludes(path: string): boolean;
}

/**
 * `globs` know `*` within a name, `**` across folders, and `?`. A glob without `/` is matched with every name of the
 * path.
 */
export function createExclusion(globs: readonly string[]): Exclusion {
  const patterns = globs.map((glob) => ({
    wholePath: glob.includes("/"),
    expression: toExpression(glob.replace(/^\/|\/$/g, "")),
  }));
  const excludesName = (name: string) =>
    DEBRIS.test(name) || patterns.some((each) => !each.wholePath && each.expression.test(name));
  return {
    excludes(path) {
      const names = path.normalize("NFC").split("/");
      if (names.some(excludesName)) return true;
      return patterns.some(
        (each) =>
          each.wholePath &&
          names.some((_, index) => each.expression.test(names.slice(0, index + 1).join("/"))),
      );
    },
  };
}

function toExpression(glob: string): RegExp {
  const source = glob
    .normalize("NFC")
    .split(/(\*\*\/|\*\*|\*|\?)/)
    .map((part) => {
      if (part === "**/") return "(?:.*/)?";
      if (part === "**") return ".*";
      if (part === "*") return "[^/]*";
      if (part === "?") return "[^/]";
      return part.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    })
    .join("");
  return new RegExp(`^${source}$`, "iu");
}

/**
 * Endings of files that cannot be read as images. They are known by name, so that gigabytes need not be fetched to
 * find out.
 */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  ...kinds("a PDF", "pdf"),
  ...kinds("an Illustrator file", "ai", "ait"),
  ...kinds("an EPS file", "eps", "ps"),
  ...kinds("a video", "mp4", "mov", "avi", "mkv", "webm", "m4v", "mpg", "mpeg", "wmv"),
  ...kinds("a sound file", "mp3", "wav", "aac", "flac", "ogg", "m4a"),
  ...kinds("an archive", "zip", "rar", "7z", "tar", "gz", "tgz", "bz2", "xz", "dmg", "iso"),
  ...kinds("a font", "ttf", "otf", "woff", "woff2", "eot"),
  ...kinds(
    "a document",
    "txt",
    "md",
    "rtf",
    "doc",
    "docx",
    "xls",
    "xlsx",
    "csv",
    "ppt",
    "pptx",
    "odt",
    "html",
  ),
  ...kinds("data", "json", "xml", "yaml", "yml", "db", "sqlite", "log", "ini", "url", "lnk"),
  ...kinds("a program", "exe", "msi", "dll", "app", "sh", "bat", "js", "py"),
  ...kinds("an InDesign file", "indd", "idml"),
  ...kinds("a CorelDRAW file", "cdr"),
  ...kinds("an Affinity file", "afdesign", "afphoto", "afpub"),
  ...kinds("a camera's raw file", "cr2", "cr3", "nef", "arw", "dng", "raf", "orf", "rw2"),
};

/** The kind of a file that cannot be hashed, by its ending. `null`: it may be an image. */
export function otherKind(name: string): string | null {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
  return ending === undefined ? null : (OTHER_KINDS[ending] ?? null);
}

function kinds(kind: string, ...endings: readonly string[]): Record<string, string> {
  return Object.fromEntries(endings.map((ending) => [ending, kind]));
}
