/** What a statement means for those who use its tables meanwhile. Values in, values out. */
import { accept } from "../core/sql/cursor.ts";
import { nextToken } from "../core/sql/tokens.ts";
import { blocksReads, blocksWrites, isAtLeast, type LockMode } from "./lock-modes.ts";
import type { SeenLock, SeenRelation, SeenStatement } from "./seen.ts";

/** From the least to the worst. */
export const RISKS = ["safe", "brief lock", "blocks writes", "blocks reads", "rewrites"] as const;

export type Risk = (typeof RISKS)[number];

export interface Judgement {
  readonly risk: Risk;
  /** One sentence. */
  readonly why: string;
  /** How to get the same with less. `null`: it is harmless, or there is no other way. */
  readonly safer: string | null;
}

/**
 * A lock is brief while nothing behind it depends on the number of rows. It is not while the statement, or one behind it in the
 * same transaction, reads, builds or changes what is there: the lock is held until the transaction ends.
 */
export function judge(seen: SeenStatement): Judgement {
  const { text, rewrites, scans, locks, held } = seen;
  const whole = rewrites.filter(({ kind }) => kind !== "index");
  const own = blocking(locks);
  if (whole.length > 0) {
    const why = `${namedWithVerb(whole)} written anew under ${modesOf(locks, whole)}: nobody reads or writes ${itOrThem(whole)} until ${endOf(seen)}.`;
    return { risk: "rewrites", why, safer: saferWay(seen) };
  }
  const work = workOf(seen);
  const kept = [...own, ...blocking(held)];
  if (work !== null && kept.length > 0) {
    const worst = kept.filter(({ mode }) => blocksReads(mode));
    const [risk, blocked] =
      worst.length > 0
        ? (["blocks reads", [...tablesOf(worst, kept), ...worst]] as const)
        : (["blocks writes", kept] as const);
    const before = own.length === 0 ? ", by a statement before it in the same transaction," : "";
    const words = lockWords(blocked);
    const isOne = !words.includes(" and ") && !words.includes(", ");
    const them = isOne ? "it" : "them";
    const who = risk === "blocks reads" ? `nobody reads or writes ${them}` : `nobody writes ${them}`;
    const are = isOne ? "is" : "are";
    const why = `${words} ${are} held${before} while ${work}: ${who} until ${endOf(seen)}.`;
    return { risk, why, safer: saferWay(seen) ?? (blocking(held).length > 0 ? APART : null) };
  }
  if (own.length > 0) {
    const why = `${lockWords(own)}, until ${endOf(seen)}; nothing of it depends on the number of rows.`;
    return {
      risk: "brief lock",
      why,
      safer: accept({ text, at: 0 }, "drop", "index") ? saferWay(seen) : null,
    };
  }
  const read = scans.length > 0 ? `${namedWithVerb(scans)} read as a whole, and others` : "Others";
  const none =
    held.length === 0
      ? "It locks nothing that was there before."
      : "It takes no lock that its transaction does not hold.";
  const why = locks.length === 0 ? none : `${read} read and write meanwhile.`;
  return { risk: "safe", why, safer: null };
}

export function worstRisk(risks: readonly Risk[]): Risk | null {
  return [...risks].sort((a, b) => RISKS.indexOf(b) - RISKS.indexOf(a))[0] ?? null;
}

export function nameOf({ schema, name }: SeenRelation): string {
  return `${schema}.${name}`;
}

function blocking(locks: readonly SeenLock[]): readonly SeenLock[] {
  return locks.filter(({ mode }) => blocksWrites(mode));
}

/** What takes longer, the more rows there are. `null`: nothing. */
function workOf({ scans, builds, rewrites, locks, held, text, calls }: SeenStatement): string | null {
  if (builds.length > 0) return `${namedWithVerb(builds)} built`;
  if (rewrites.length > 0) return `${namedWithVerb(rewrites)} built anew`;
  if (scans.length > 0) return `${namedWithVerb(scans)} read as a whole`;
  const starts = (words: readonly string[]) => words.some((word) => accept({ text, at: 0 }, word));
  const isChange = starts(CHANGES);
  const changed = locks.filter(isOfChange);
  if (changed.length > 0 && (isChange || starts(CALLS))) return `rows of ${named(changed)} change`;
  // The lock of a change is no new one where an earlier statement has changed the same table.
  return (isChange || calls === true) && held.some(isOfChange) ? "rows change" : null;
}

const CHANGES = ["insert", "update", "delete", "merge", "with", "copy", "do", "call"];

/** A function that is called may change rows too. */
const CALLS = ["select", "explain", "execute"];

function isOfChange({ mode, kind }: SeenLock): boolean {
  return mode === "ROW EXCLUSIVE" && kind === "table";
}

const MOST_NAMED = 5;

function namesIn(relations: readonly SeenRelation[]): readonly string[] {
  return [...new Set(relations.map(nameOf))];
}

/** The locks of a report name all of them. */
function listOf(names: readonly string[]): string {
  const others = names.length - MOST_NAMED;
  return others <= 0 ? names.join(", ") : `${names.slice(0, MOST_NAMED).join(", ")} and ${others} more`;
}

function named(relations: readonly SeenRelation[]): string {
  return listOf(namesIn(relations));
}

function namedWithVerb(relations: readonly SeenRelation[]): string {
  return `${named(relations)} ${namesIn(relations).length === 1 ? "is" : "are"}`;
}

function itOrThem(relations: readonly SeenRelation[]): string {
  return namesIn(relations).length === 1 ? "it" : "them";
}

/** The weaker locks on the tables of these indexes: a query needs all indexes of its table. */
function tablesOf(worst: readonly SeenLock[], kept: readonly SeenLock[]): readonly SeenLock[] {
  const tables = new Set(worst.flatMap(({ table }) => table ?? []));
  return kept.filter(({ name, kind, mode }) => kind !== "index" && tables.has(name) && !blocksReads(mode));
}

function lockWords(locks: readonly SeenLock[]): string {
  const tables = new Map<string, LockMode>();
  for (const { name, kind, mode } of locks)
    if (kind !== "index" && isAtLeast(mode, tables.get(name) ?? "ACCESS SHARE")) tables.set(name, mode);
  const strongest = new Map<string, LockMode>();
  for (const lock of locks) {
    // The index of a table that is locked as strongly itself says nothing more.
    const ofTable = lock.table === null ? undefined : tables.get(lock.table);
    if (ofTable !== undefined && isAtLeast(ofTable, lock.mode)) continue;
    const known = strongest.get(nameOf(lock));
    if (known === undefined || isAtLeast(lock.mode, known)) strongest.set(nameOf(lock), lock.mode);
  }
  const byMode = new Map<LockMode, string[]>();
  for (const [name, mode] of strongest) byMode.set(mode, [...(byMode.get(mode) ?? []), name]);
  return [...byMode].map(([mode, names]) => `${mode} on ${listOf(names)}`).join(" and ");
}

function modesOf(locks: readonly SeenLock[], of: readonly SeenRelation[]): string {
  const names = new Set(of.map(nameOf));
  const modes = locks
    .filter((lock) => names.has(nameOf(lock)) && blocksWrites(lock.mode))
    .map(({ mode }) => mode);
  return modes.find(blocksReads) ?? modes[0] ?? "ACCESS EXCLUSIVE";
}

function endOf({ inTransaction }: SeenStatement): string {
  return inTransaction ? "the migration is committed" : "the statement ends";
}

const APART = "Put it into a migration of its own, behind the one that takes the lock.";

function saferWay({ text, rewrites, builds, scans }: SeenStatement): string | null {
  const starts = (...words: readonly string[]) => accept({ text, at: 0 }, ...words);
  const has = (...words: readonly string[]) => hasWords(text, words);
  if (starts("create", "index") || starts("create", "unique", "index"))
    return "CREATE INDEX CONCURRENTLY, in a migration of its own.";
  if (starts("drop", "index")) return "DROP INDEX CONCURRENTLY, in a migration of its own.";
  if (starts("reindex")) return "REINDEX … CONCURRENTLY, in a migration of its own.";
  if (starts("refresh"))
    return "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index on the view.";
  if (starts("vacuum") || starts("cluster"))
    return "VACUUM without FULL; to give space back while others write, pg_repack or pg_squeeze.";
  if (!starts("alter", "table")) return null;
  if (has("attach", "partition"))
    return "Before it, add a CHECK that says the same as the bounds, NOT VALID, and validate it in a migration of its own.";
  if (rewrites.length > 0 && has("type"))
    return "Add a column of the new type, fill it by a backfill, and exchange the two in the contract phase.";
  if (rewrites.length > 0 && has("add"))
    return "Add the column without that default, give it the default for new rows, and fill the old ones by a backfill.";
  if (has("set", "not", "null"))
    return "Before it, add CHECK (… IS NOT NULL) NOT VALID, and validate it in a migration of its own: then the table is not read.";
  if (builds.length > 0)
    return "CREATE UNIQUE INDEX CONCURRENTLY in a migration of its own, then ADD CONSTRAINT … USING INDEX.";
  if (scans.length > 0 && has("add"))
    return "Add the constraint NOT VALID, and VALIDATE CONSTRAINT in a migration of its own.";
  return null;
}

/** Whether these words follow each other somewhere. */
export function hasWords(text: string, words: readonly string[]): boolean {
  for (let token = nextToken(text, 0); token !== null; token = nextToken(text, token.end))
    if (token.kind === "word" && accept({ text, at: token.start }, ...words)) return true;
  return false;
}
