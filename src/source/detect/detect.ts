/**
 * Which tool's folder this is: by names, and by the first lines of files where names do not tell. Two possible answers
 * are a question to the reader, never a guess; files that nobody but their tool can run are refused by name.
 *
 * What other tools keep beside their files (a journal, a lock file) says it at once. Then our own signs count: directives,
 * modules, `repeatable/`. A folder without any sign is `plain`, which also reads pairs and sections of other tools.
 */
import { basename, dirname, join } from "node:path";
import { ConfigError } from "../../errors.ts";
import { isThere } from "../folder.ts";
import { firstStatement } from "../header.ts";
import { numberOf } from "../names.ts";
import { refuseForeign } from "./foreign.ts";
import { type FolderView, hasAbove, lookAt } from "./look.ts";

/** The name of a layout. Throws `ConfigError` (`LAYOUT_UNKNOWN`) and `SourceError` (`LAYOUT_REFUSED`, `SOURCE_FOLDER_…`). */
export function detectLayout(folder: string): string {
  const look = lookAt(folder);
  const kept = byIndex(look);
  if (kept.length > 0) return theOnly(folder, kept);
  // Whatever else lies in it, and whatever the files say: the tool's CLI reads no other folder.
  if (isSupabase(look)) return "supabase";
  refuseForeign(look);
  if (isOurs(look)) return "plain";
  return theOnly(folder, byContent(look));
}

function theOnly(folder: string, [first = "plain", ...others]: readonly string[]): string {
  if (others.length === 0) return first;
  const names = [first, ...others];
  throw new ConfigError({
    code: "LAYOUT_UNKNOWN",
    message: `The files in ${folder} can be read in several ways: as ${names.join(" or as ")}.`,
    hint: `Say which: ${names.map((name) => `--layout ${name}`).join(" or ")} (in godwit.config.ts: layout).`,
    place: { file: folder },
    details: { layouts: names },
  });
}

/** What tools keep beside their files, and forms with a folder for each migration. */
function byIndex({ folder, files, folders, migrations }: FolderView): readonly string[] {
  if (isThere(join(folder, "meta/_journal.json"))) return ["drizzle"];
  const having = (file: string) => folders.filter((name) => isThere(join(folder, name, file)));
  const scripts = having("migration.sql");
  const snapshots = scripts.filter((name) => isThere(join(folder, name, "snapshot.json")));
  // A file without a number beside so many folders is a note.
  const plain = migrations.some((name) => numberOf(name) !== null) ? ["plain"] : [];
  if (files.includes("migration_lock.toml")) return snapshots.length > 0 ? ["prisma", "drizzle"] : ["prisma"];
  if (snapshots.length > 0) return snapshots.length === scripts.length ? ["drizzle"] : ["drizzle", "prisma"];
  if (scripts.length > 0) return ["prisma", ...plain];
  if (["sqitch.plan", "sqitch.conf"].some((name) => files.includes(name))) return ["sqitch"];
  if (having("up.sql").length > 0) {
    const rust = hasAbove(folder, { names: ["diesel.toml", "Cargo.toml"], language: "rust" });
    return [rust ? "diesel" : "updir", ...plain];
  }
  const isGraphile = [folder, dirname(folder)].some((place) =>
    [".gmrc", ".gmrc.js", ".gmrc.cjs"].some((name) => isThere(join(place, name))),
  );
  return isGraphile ? ["graphile-migrate"] : [];
}

function isSupabase({ folder, sql }: FolderView): boolean {
  const parent = dirname(folder);
  if (basename(parent) !== "supabase") return false;
  if (isThere(join(parent, "config.toml"))) return true;
  const isIts = basename(folder) === "migrations" ? /^\d+_.*\.sql$/ : /^\d{14}_.*\.sql$/;
  return sql.some((name) => isIts.test(name));
}

function isOurs({ folder, folders, heads, modules }: FolderView): boolean {
  return (
    (folders.includes("repeatable") && lookAt(join(folder, "repeatable")).sql.length > 0) ||
    heads().some(({ text }) => /^[ \t]*--[ \t]*godwit[ \t]*:/im.test(text)) ||
    modules().some(({ text }) => !/\bpgm\b/.test(text))
  );
}

/** In order; the first that finds something decides. */
function byContent(look: FolderView): readonly string[] {
  for (const find of [byFirstLines, byPairs, byNames, byProject]) {
    const found = find(look);
    if (found.length > 0) return found;
  }
  return [];
}

const GOOSE = /^--.*\+goose\s+up\b/im;
const DBMATE_UP = /^--\s*migrate:up(?:\s*$|\s+\S)/m;
/** As the tool writes it into a new file. It takes `-- Up migration: fill` as well, which may be a comment of anybody. */
const NODE_PG_MARK = /^\s*--[\s-]*up\s+migration[ \t-]*$/im;
const NODE_PG_UP = /^\s*--[\s-]*up\s+migration/im;
const NODE_PG_DOWN = /^\s*--[\s-]*down\s+migration/im;
const DBMATE_DOWN = /^--\s*migrate:down(?:\s*$|\s+\S)/m;

function byFirstLines({ folder, heads, others, modules }: FolderView): readonly string[] {
  const some = (pattern: RegExp) => heads().some(({ text }) => pattern.test(text));
  const all = (pattern: RegExp) => heads().length > 0 && heads().every(({ text }) => pattern.test(text));
  if (all(/^\s*--! Previous:/) || isCommitted(folder)) return ["graphile-migrate"];
  if (some(GOOSE)) return all(GOOSE) ? ["goose"] : ["goose", "plain"];
  // Our own new files have the same marks: the time in the name, or the tool's dump, makes the difference.
  const marked = heads().every(
    ({ text, whole }) => DBMATE_UP.test(text) && (!whole || DBMATE_DOWN.test(text)),
  );
  const timed = heads().every(({ name }) => /^\d{14}_?/.test(name));
  if (heads().length > 0 && marked && (timed || hasDbmateDump(folder))) return ["dbmate"];
  if (
    some(/^\s*--\s*liquibase formatted/i) ||
    others().some(({ text }) => text.includes("databaseChangeLog"))
  )
    return ["liquibase"];
  const begins = ({ text }: { text: string }) =>
    text.slice(0, firstStatement(text)).search(NODE_PG_MARK) >= 0;
  if ((heads().length > 0 && heads().every(begins)) || modules().some(({ text }) => /\bpgm\b/.test(text)))
    return ["node-pg-migrate"];
  // One alone may be a comment; the tool takes files without any mark as well.
  const both = ({ text }: { text: string }) => NODE_PG_UP.test(text) && NODE_PG_DOWN.test(text);
  return heads().some(both) ? ["node-pg-migrate", "plain"] : [];
}

function isCommitted(folder: string): boolean {
  const path = join(folder, "committed");
  return (
    isThere(path) &&
    lookAt(path)
      .heads()
      .some(({ text }) => /^\s*--! Previous:/.test(text))
  );
}

function hasDbmateDump(folder: string): boolean {
  const dump = join(dirname(folder), "schema.sql");
  return isThere(dump) && lookAt(dirname(folder)).tail("schema.sql").includes("Dbmate schema migrations");
}

/** The same names belong to two tools, of two languages. */
function byPairs({ folder, files, sql }: FolderView): readonly string[] {
  const pairs = files.filter((name) => /^\d+_.*\.(?:up|down)\.[^.]+$/.test(name));
  if (pairs.length === 0) return [];
  const names = ["Cargo.toml", "sqlx.toml", ".sqlx"];
  const sqlx = hasAbove(folder, { names, language: "rust" }) ? ["sqlx"] : [];
  const go = hasAbove(folder, { names: ["go.mod"], language: "go" }) ? ["golang-migrate"] : [];
  // The tool in Go passes over files without a direction; somebody wrote them all the same.
  const more = go.length > 0 && sql.some((name) => !pairs.includes(name)) ? ["plain"] : [];
  const found = [...sqlx, ...go, ...more];
  return found.length > 0 ? found : ["plain"];
}

const FLYWAY = /^(?:[VUB]\d[\d._]*|R)__.+\.sql$/;

function byNames({ folder, files, folders, sql }: FolderView): readonly string[] {
  const below = () =>
    folders.some((name) => lookAt(join(folder, name)).sql.some((file) => FLYWAY.test(file)));
  const configured = files.some((name) => /^flyway\.(?:conf|toml)$/.test(name));
  return configured || sql.some((name) => FLYWAY.test(name)) || (sql.length === 0 && below())
    ? ["flyway"]
    : [];
}

/** Numbered files and nothing else, in a project that uses sqlx. It knows no marks: files that begin with ours are ours. */
function byProject({ folder, sql, heads }: FolderView): readonly string[] {
  if (sql.length === 0 || !sql.every((name) => /^\d+_.*\.sql$/.test(name))) return [];
  const isNamed =
    hasAbove(folder, { names: ["sqlx.toml", ".sqlx"], language: "rust" }) ||
    hasAbove(folder, { names: ["Cargo.toml"], language: "rust", says: /\bsqlx\b/ });
  if (!isNamed) return [];
  const marked = heads().filter(({ text }) => DBMATE_UP.test(text));
  if (marked.length === 0) return ["sqlx"];
  return marked.length === heads().length ? ["plain"] : ["sqlx", "plain"];
}
