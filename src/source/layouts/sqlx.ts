/**
 * sqlx: `<integer>_<description>.sql`, or `.up.sql` and `.down.sql`, by the integer. `-- no-transaction` counts only as
 * the very first bytes of a file. The tool compares the SHA-384 of a file's bytes on every run.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { compareNumbers } from "../../core/order.ts";
import { withoutZeros } from "../../core/version.ts";
import { type Problem, SourceError } from "../../errors.ts";
import { isThere, readFolder } from "../folder.ts";
import type { Section } from "../plain/sections.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { placesAbove } from "./above.ts";
import { type FileText, type Layout, type Reading, wholeFile } from "./layout.ts";
import { lineEndVariants } from "./line-ends.ts";
import { refuseShared, type Versioned } from "./versions.ts";

export const sqlx: Layout = {
  name: "sqlx",
  discover(folder) {
    const names = readFolder(folder)
      .filter((entry) => !entry.isDirectory() && /^[^_]*_.*\.sql$/.test(entry.name))
      .map((entry) => entry.name);
    const isBack = (name: string) => name.endsWith(".down.sql");
    const backs = new Map(names.filter(isBack).map((name) => [versionOf(name), name]));
    const ups = names.filter((name) => !isBack(name));
    const entries = ups
      .flatMap((name) => entryOf(name, backs) ?? [])
      .sort((left, right) => compareNumbers(left.version, right.version));
    const problems = names.filter((name) => versionOf(name) === null).map(noInteger);
    if (entries.length === 0 && problems.length === 0)
      throw new SourceError([
        layoutRefused("sqlx", {
          folder,
          why: "there is no file named <integer>_<description>.sql in it",
          hint: "Name the folder with --dir; or create a file with `sqlx migrate add`.",
        }),
      ]);
    return { entries: refuseShared(entries), problems: [...problems, ...ignoredChars(folder)] };
  },
};

/** `sqlx.toml` can remove characters from a file before the checksum, which then differs from ours. */
function ignoredChars(folder: string): readonly Problem[] {
  const place = placesAbove(folder).find((each) => isThere(join(each, "sqlx.toml")));
  if (place === undefined) return [];
  const text = readText(join(place, "sqlx.toml"), "sqlx.toml");
  if (!/^[ \t]*(?:migrate\.)?ignored-chars[ \t]*=[ \t]*\[\s*[^\s\]]/m.test(text)) return [];
  return [
    layoutRefused("sqlx", {
      folder: "sqlx.toml",
      why: "it has ignored-chars, and checksums are made over all of a file here",
      hint: "Take it out, and let git keep the line ends (.gitattributes: *.sql text eol=lf).",
    }),
  ];
}

const GREATEST = "9223372036854775807";

function versionOf(name: string): string | null {
  const digits = /^\+?(\d+)_/.exec(name)?.[1];
  if (digits === undefined) return null;
  const version = withoutZeros(digits);
  return compareNumbers(version, GREATEST) > 0 ? null : version;
}

function entryOf(file: string, backs: ReadonlyMap<string | null, string>): Versioned | null {
  const version = versionOf(file);
  if (version === null) return null;
  const reversible = file.endsWith(".up.sql");
  const id = file.replace(/(?:\.up)?\.sql$/, "");
  return {
    id,
    file,
    downFile: reversible ? backs.get(version) : undefined,
    version,
    read: (text) =>
      reading(text, { version, description: id.slice(id.indexOf("_") + 1).replaceAll("_", " ") }),
    readDown: section,
  };
}

function reading(
  file: FileText,
  { version, description }: { version: string; description: string },
): Reading {
  const checksums = lineEndVariants(file.bytes).map((bytes) =>
    createHash("sha384").update(bytes).digest("hex"),
  );
  return { up: section(file), tool: { version, checksums, columns: { description } } };
}

/** After a byte order mark, `-- no-transaction` does not count. */
function section(file: FileText): Section {
  return wholeFile(file, file.bytes.indexOf("-- no-transaction") === 0 ? false : undefined);
}

function noInteger(file: string): Problem {
  return {
    code: "SOURCE_FILE_NAME",
    message: `${file} does not begin with an integer of 64 bits and \`_\`.`,
    hint: "Rename it, or move it out of the folder: sqlx refuses it too.",
    place: { file },
  };
}
