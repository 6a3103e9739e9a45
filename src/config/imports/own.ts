/** `--from`: an import that no file configures. It is the only one of its run, and is named after its folder. */
import { resolve } from "node:path";
import type { Config } from "../config.ts";
import { readImports } from "./imports.ts";

export interface OwnImport {
  /** A folder or a URL. */
  readonly from: string;
  /** Default: the last folder of `from`, or its host. */
  readonly name?: string | undefined;
  /** Other options of `imports.<name>`. */
  readonly options: Readonly<Record<string, unknown>>;
}

export function withOwnImport(config: Config, { from, name, options }: OwnImport): Config {
  const own = { ...options, from: isUrl(from) ? from : resolve(from) };
  return {
    ...config,
    imports: readImports({ [name ?? nameOf(from)]: own }, { file: "the command line" }),
  };
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
