/** Commands of other migration tools, and what does the same here. Pure. */
import { nearest } from "../std/nearest.ts";

const REVERT = "`godwit down -1`, which reverts the last migration.";
const UP = "`godwit up`, which applies what is pending.";
const NEW = "`godwit new <name>`, which makes an empty migration.";
const STATUS = "`godwit status`, which shows what is applied and what is pending.";
const CHECK = "`godwit status --check`, which exits 1 if anything is pending or an index is invalid.";
const AGAIN =
  "`godwit down base`, which reverts everything, and then `godwit up`. In development, `godwit dev --reset` makes the database anew.";
const REPAIR = "`godwit help repair`, which shows how to correct what the ledger says.";

/**
 * By the last of the typed words, without words such as `migrate` or `db` before it. What begins with a command is
 * that command; other texts say why there is none.
 */
export const MEANT: Readonly<Record<string, string>> = {
  ...forEach("rollback revert undo remove backout", REVERT),
  ...forEach("redo", "`godwit down -1`, and then `godwit up`, which runs the last migration again."),
  ...forEach("create make add generate gen g", NEW),
  ...forEach("migrate apply deploy latest update sync push execute exec up-all", UP),
  ...forEach("up-by-one up-one", "`godwit up +1`, which applies the next migration."),
  ...forEach("up-to upto", "`godwit up <revision>`, which applies everything up to it."),
  ...forEach(
    "down-to downto goto",
    "`godwit down <revision>`, or `godwit up <revision>` if it is still pending.",
  ),
  ...forEach("down-all rollback-all", "`godwit down base`, which reverts everything."),
  ...forEach("reset fresh refresh clean drop wipe recreate", AGAIN),
  ...forEach("info list ls pending state show showmigrations", STATUS),
  ...forEach("validate check verify", CHECK),
  ...forEach(
    "version dbversion",
    "`godwit current` for the database, and `godwit --version` for Godwit itself.",
  ),
  ...forEach("log", "`godwit history --log`, which lists what was done to this database."),
  ...forEach("branches", "`godwit heads`, which shows the newest migrations of the files."),
  ...forEach("dry-run pretend preview", "`godwit up --dry-run`, which executes and rolls back."),
  ...forEach("setup install", "`godwit init`, which makes a folder, a configuration and a first migration."),
  ...forEach(
    "mark fake changelog-sync",
    "`godwit baseline <revision>`, which declares migrations as present.",
  ),
  ...forEach("resolve force fix", REPAIR),
  ...forEach("bundle compile", "`godwit build`, which freezes all migrations into a bundle."),
  ...forEach("seed", "`godwit new --ts <name>`: data is a migration like any other."),
  ...forEach("watch start", "`godwit dev`, which keeps a database up that follows the files."),
  ...forEach("wait", "`godwit up`, which waits for the database by itself."),
  ...forEach("unlock release-locks", "`godwit doctor`. A lock ends with the run that holds it."),
  ...forEach(
    "diff makemigrations pull introspect autogenerate",
    "No migration is written from a difference of schemas. `godwit new <name>` makes an empty one.",
  ),
  ...forEach("dump load", "Godwit dumps no schema. `pg_dump --schema-only` does."),
};

/** What these mean is said by two words. */
export const PAIRS: Readonly<Record<string, string>> = {
  "migrate dev": "`godwit new <name>`, and then `godwit up`.",
  "migrate run": UP,
  "migration run": UP,
  "migrations run": UP,
};

/** Words before the command: `migrate deploy`, `db:migrate:status`, `migrations add`. */
const WRAPPERS = new Set(["db", "database", "migrate", "migration", "migrations", "schema"]);

/** A hint for words that are no command here: what does the same, or what was probably meant. */
export function wordsHere(typed: readonly string[], names: readonly string[]): string {
  const words = typed.filter((each) => !each.startsWith("-")).flatMap((each) => each.split(":"));
  const own = words.findIndex((each) => !WRAPPERS.has(kebab(each)));
  const [word = "", ...rest] = own === -1 ? words.slice(-1) : words.slice(own);
  const pair = PAIRS[words.slice(0, 2).map(kebab).join(" ")];
  const same =
    pair ??
    meantBy(kebab(word), names) ??
    (own > 0 ? meantBy(kebab(words[own - 1] ?? ""), names) : undefined);
  if (same !== undefined) return withTyped(same.startsWith("`") ? `Here it is ${same}` : same, rest);
  const near = nearest(typed[0] ?? "", names);
  return near === undefined ? "`godwit --help` lists everything." : `Did you mean \`godwit ${near}\`?`;
}

function meantBy(word: string, names: readonly string[]): string | undefined {
  if (Object.hasOwn(MEANT, word)) return MEANT[word];
  return names.includes(word) ? `\`godwit ${word}\`.` : undefined;
}

/** The hint with the name or revision that was typed, so that it can be pasted. */
function withTyped(hint: string, rest: readonly string[]): string {
  const [first] = rest;
  if (first === undefined || !rest.every((word) => /^[\w.-]+$/.test(word))) return hint;
  return hint.replaceAll("<name>", () => rest.join(" ")).replaceAll("<revision>", () => first);
}

/** `dryRun` and `dry_run` are `dry-run`. */
function kebab(word: string): string {
  return word
    .slice(0, 50)
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase();
}

function forEach(words: string, hint: string): Readonly<Record<string, string>> {
  return Object.fromEntries(words.split(" ").map((word) => [word, hint]));
}
