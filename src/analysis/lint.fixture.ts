/** Lints files of a test, without a database. */
import { createFolder, openFolder } from "../source/folder.fixture.ts";
import type { LintFinding, LintReport } from "./finding.ts";
import { type LintInput, lint } from "./lint.ts";

type Files = Readonly<Record<string, string | Uint8Array>>;

export async function lintFiles(
  files: Files,
  options: Partial<Pick<LintInput, "server" | "levels" | "together">> = {},
): Promise<LintReport> {
  const folder = createFolder(files);
  const source = openFolder(`${folder}/migrations`);
  const listing = await source.list();
  const { server = null, levels = {}, together = false } = options;
  return lint({
    ...{ source, listing, chosen: listing.migrations, server, levels, together, root: folder },
    now: new Date(),
    signal: new AbortController().signal,
  });
}

/** The files below the folder of migrations. */
export function below(files: Files): Files {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [`migrations/${name}`, text]));
}

/** `0001_a.sql:2:1 index-without-concurrently` */
export function shownFinding({ file, line, column, rule }: LintFinding): string {
  return `${file}:${line}:${column} ${rule}`;
}
