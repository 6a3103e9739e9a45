/** `--from`: an import that no file configures. It is the only one of its run, and is named after its folder. */
import { dirname, resolve } from "node:path";
import { shellWord } from "../../std/shell-word.ts";
import type { Config } from "../config.ts";
import { readImports, type TypedImport } from "./imports.ts";

export interface OwnImport {
  /** A folder or a URL. */
  readonly from: string;
  /** Default: the last folder of `from`, or its host. */
  readonly name?: string | undefined;
  /** Other options of `imports.<name>`. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly takesHostKey: boolean;
}

export function withOwnImport(config: Config, { from, name, options, takesHostKey }: OwnImport): Config {
  const place = isUrl(from) ? from : resolve(from);
  const called = name ?? nameOf(from);
  const wider = `${nameOf(dirname(pathOf(place)))}-${nameOf(place)}`.slice(0, 60);
  const typed: TypedImport = {
    words: hasPassword(from) ? null : ["--from", shellWord(place), ...wordsOf(options)],
    otherName: wider === called ? `${wider}-2` : wider,
    takesHostKey,
  };
  return {
    ...config,
    imports: readImports({ [called]: { ...options, from: place } }, { file: "the command line" }).map(
      (each) => ({ ...each, typed }),
    ),
  };
}

/** `{ hostKey: "SHA256:…" }` → `--host-key SHA256:…` */
function wordsOf(options: OwnImport["options"]): readonly string[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const flag = `--${key.replace(/[A-Z]/g, "-$&").toLowerCase()}`;
    return value === true ? [flag] : [flag, shellWord(String(value))];
  });
}

/** A URL that cannot be understood may have one. */
function hasPassword(from: string): boolean {
  if (!isUrl(from)) return false;
  return !URL.canParse(from) || new URL(from).password !== "";
}

/** Only characters that a name may have. The rest of a URL is secret. */
function nameOf(from: string): string {
  const last =
    pathOf(from)
      .replace(/[/\\.]+$/, "")
      .split(/[/\\]/)
      .at(-1) ?? "";
  return (
    last
      .replace(/[^\p{L}\p{N}._-]+/gu, "-")
      .replace(/^[^\p{L}\p{N}]+/u, "")
      .slice(0, 60) || "files"
  );
}

function pathOf(from: string): string {
  if (!isUrl(from)) return from;
  try {
    const { pathname, hostname } = new URL(from);
    return decodeURIComponent(pathname).replace(/^\/+$/, "") || hostname;
  } catch {
    return ""; // it is refused where it is read
  }
}

function isUrl(from: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(from);
}
