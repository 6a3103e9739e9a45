/**
 * graphile-migrate. `committed/<number>[-<slug>].sql` below the folder, or the folder itself. Every file begins with
 * headers that link it to the one before: `--! Previous: <its hash>`, `--! Hash: <over that and the body>`. A broken
 * chain is refused, as the tool does. Differences in line ends and byte order mark are accepted, because git makes them.
 *
 * `current.sql` is work in progress: the tool runs it in development only, and it is not read here.
 *
 * `:NAME` stands for its value in the `placeholders` of `.gmrc`, and `:DATABASE_NAME` and `:DATABASE_OWNER` for what the
 * database says. The tool replaces it in strings, comments and bodies as
 * well, so only known names are replaced. An unknown name in plain SQL could only fail, and is refused.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { nextToken } from "../../core/sql/tokens.ts";
import { type Problem, SourceError } from "../../errors.ts";
import { readFolder } from "../folder.ts";
import { doesNothing } from "../header.ts";
import { placeAt } from "../place.ts";
import { layoutRefused } from "../problems.ts";
import { readText } from "../text.ts";
import { type Placeholders, readSettings } from "./graphile-migrate-settings.ts";
import { type Entry, type FileText, type Layout, type Reading, wholeFile } from "./layout.ts";
import { fillIn, missingPlaceholders } from "./placeholders.ts";

export const graphileMigrate: Layout = {
  name: "graphile-migrate",
  usesFacts: true,
  discover(folder, options) {
    const below = readFolder(folder).some(({ name }) => name === "committed") ? "committed/" : "";
    const files = readFolder(join(folder, below))
      .filter(({ name }) => FILE.test(name))
      .map(({ name }) => ({ file: below + name, row: `${/^\d+/.exec(name)?.[0]}.sql` }))
      .sort((left, right) => ORDER.compare(left.row, right.row));
    if (files.length === 0) throw new SourceError([nothingIn(folder)]);
    const { placeholders, problems } = readSettings(join(folder, below), options);
    let previous: string | null = null;
    const entries = files.map(({ file, row }): Entry => {
      const { entry, hash } = chained({ folder, file, row }, previous, placeholders);
      previous = hash;
      return entry;
    });
    const unlisted = readFolder(join(folder, below))
      .map(({ name }) => name)
      .filter(
        (name) => name.endsWith(".sql") && !FILE.test(name) && !(below === "" && name === "current.sql"),
      );
    return { entries, problems, unlisted: { names: unlisted.map((name) => below + name) } };
  },
};

const FILE = /^\d+(?:-[-_a-zA-Z0-9]*)?\.sql$/;
const ORDER = new Intl.Collator("en");

/** Reads the headers when files are listed, because the chain depends on the file before. */
function chained(
  { folder, file, row }: { folder: string; file: string; row: string },
  before: string | null,
  placeholders: Placeholders,
): { entry: Entry; hash: string | null } {
  const id = file.replace(/^committed\//, "").replace(/\.sql$/, "");
  const read = (file: FileText) =>
    isBare(file.text) ? readBare(file, { row, before }) : readMigration(file, { row, placeholders });
  try {
    const text = readText(join(folder, file), file);
    if (isBare(text)) return { entry: { id, file, read }, hash: before };
    const { previous, hash } = parse(text);
    const problem =
      hash === undefined || previous === undefined || previous === before
        ? undefined
        : brokenChain(file, previous, before);
    return { entry: { id, file, problem, read }, hash: hash ?? null };
  } catch (error) {
    // The file is read again with the others, and the error is reported then.
    if (!(error instanceof SourceError)) throw error;
    return { entry: { id, file, read }, hash: before };
  }
}

/** Nothing was committed into it, not even headers. It has no place in the chain. */
function isBare(text: string): boolean {
  return !text.startsWith("--!") && doesNothing(text);
}

function readBare(file: FileText, { row, before }: { row: string; before: string | null }): Reading {
  const hash = hashOf(file.text, before);
  return {
    up: wholeFile(file),
    tool: { version: row, checksums: [hash], columns: { hash, previous_hash: before, filename: row } },
  };
}

interface Parsed {
  /** `null`: it is the first file. `undefined`: the header is missing. */
  readonly previous: string | null | undefined;
  readonly hash: string | undefined;
  readonly allowInvalidHash: boolean;
  /** The second of two equal headers. */
  readonly twice: number | null;
  /** The offset at which the headers end. */
  readonly end: number;
}

function parse(text: string): Parsed {
  const headers = new Map<string, string>();
  let twice: number | null = null;
  let end = 0;
  for (const line of text.split("\n")) {
    const [, key, value = ""] = /^--! ([A-Z][a-zA-Z0-9_]*)(?::(.*))?$/.exec(line) ?? [];
    if (key === undefined) break;
    if (headers.has(key)) twice ??= end;
    headers.set(key, value.trim());
    end += line.length + 1;
  }
  const previous = headers.get("Previous") || undefined;
  return {
    previous: previous === "-" ? null : previous,
    hash: headers.get("Hash") || undefined,
    allowInvalidHash: headers.has("AllowInvalidHash"),
    twice,
    end: Math.min(end, text.length),
  };
}

function readMigration(
  { file, text }: FileText,
  { row, placeholders }: { row: string; placeholders: Placeholders },
): Reading {
  const { previous, hash, allowInvalidHash, twice, end } = parse(text);
  const body = text.slice(end);
  const broken = (
    offset: number,
    what: string,
    hint = "Restore the file from version control.",
  ): Problem => ({
    code: "SOURCE_DIRECTIVE_INVALID",
    message: `${file} ${what}.`,
    hint,
    place: placeAt(file, text, offset),
  });
  const problems: Problem[] = [];
  if (twice !== null) problems.push(broken(twice, "has a header twice"));
  if (previous === undefined) problems.push(broken(0, "has no `--! Previous:` in front"));
  if (hash === undefined) problems.push(broken(0, "has no `--! Hash:` in front"));
  if (end > 0 && end < text.length && text[end] !== "\n")
    problems.push(broken(end, "has no blank line behind its headers"));
  if (hash !== undefined && previous !== undefined && problems.length === 0) {
    const fits = [body, body.replaceAll("\n", "\r\n")].some((each) => hashOf(each, previous) === hash);
    if (!fits && !allowInvalidHash)
      problems.push(
        broken(
          0,
          "is not what its hash was made over: it was edited after it was committed",
          "Restore it, and put the change into a new migration; or add the line `--! AllowInvalidHash` to the headers, as graphile-migrate wants it.",
        ),
      );
    if (fits && allowInvalidHash)
      problems.push(
        broken(0, "allows an invalid hash, but its hash fits", "Remove the line `--! AllowInvalidHash`."),
      );
  }
  const filled = fill(file, body, text.length - body.length, { text, placeholders });
  const transaction = /^--!\s*no-transaction\b/.test(filled.text.trim()) ? false : undefined;
  return {
    up: { text: filled.text, line: text.slice(0, end).split("\n").length, transaction },
    tool: {
      version: row,
      checksums: hash === undefined ? [] : [hash],
      columns: { hash: hash ?? null, previous_hash: previous ?? null, filename: row },
    },
    problems: [...problems, ...filled.problems],
    unknown: filled.unknown,
  };
}

/** The hash as the tool computes it. It differs if the body has Windows line ends. */
export function hashOf(body: string, previous: string | null): string {
  return `sha1:${createHash("sha1")
    .update(`${`${previous ?? ""}\n${body.trim()}`.trim()}\n`)
    .digest("hex")}`;
}

function fill(
  file: string,
  body: string,
  from: number,
  { text, placeholders }: { text: string; placeholders: Placeholders },
): { text: string; problems: readonly Problem[]; unknown: readonly Problem[] } {
  const names = [...placeholders.keys()].map((name) => name.slice(1));
  const known = names.length === 0 ? /(?!)/g : new RegExp(`:(${names.join("|")})\\b`, "g");
  const filled = fillIn(body, known, (name) => {
    const value = placeholders.get(`:${name}`);
    return (typeof value === "function" ? value() : value) ?? undefined;
  });
  const isFact = ({ name }: { name: string }) => typeof placeholders.get(`:${name}`) === "function";
  const unnamed = unknownNames(body, (name) => placeholders.has(name));
  const problemsOf = (missing: readonly { name: string; offset: number }[], hint: (name: string) => string) =>
    missingPlaceholders(
      { text, missing: missing.map(({ name, offset }) => ({ name, offset: offset + from })) },
      { file, text, written: (name) => `:${name}`, hint },
    );
  return {
    text: filled.text,
    problems: problemsOf(
      [...filled.missing.filter((one) => !isFact(one)), ...unnamed],
      (name) =>
        `Give ${name} a value: \`--placeholder ${name}=<value>\`, or \`placeholders\` in the configuration, as .gmrc of graphile-migrate has it.`,
    ),
    unknown: problemsOf(
      filled.missing.filter(isFact),
      (name) => `Only the database knows it, and it is not asked here: \`--placeholder ${name}=<value>\`.`,
    ),
  };
}

/** Finds `:NAME` in plain SQL. A single colon may also be an array slice, which does not use capitals. */
function unknownNames(
  body: string,
  known: (name: string) => boolean,
): readonly { name: string; offset: number }[] {
  const found: { name: string; offset: number }[] = [];
  let colon: number | null = null;
  for (let token = nextToken(body, 0); token !== null; token = nextToken(body, token.end)) {
    const written = body.slice(token.start, token.end);
    if (colon === token.start && /^[A-Z][0-9A-Z_]+$/.test(written) && !known(`:${written}`))
      found.push({ name: written, offset: colon - 1 });
    colon = written === ":" ? token.end : null;
  }
  return found;
}

function brokenChain(file: string, previous: string | null, before: string | null): Problem {
  return {
    code: "SOURCE_DIRECTIVE_INVALID",
    message: `${file} says that it follows ${previous ?? "nothing"}, but the one before it is ${before ?? "not there"}.`,
    hint: "A committed migration is missing, or two branches were merged: restore the missing one, or uncommit and commit the later one again.",
    place: { file, line: 1 },
  };
}

function nothingIn(folder: string): Problem {
  return layoutRefused("graphile-migrate", {
    folder,
    why: "there is no committed/<number>.sql in it",
    hint: "Name the folder `migrations` of the project with --dir; `graphile-migrate commit` makes the first file.",
  });
}
