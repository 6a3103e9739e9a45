/** The lock modes of tables, the weakest first, as PostgreSQL's chapter "Explicit Locking" has them. */

export const LOCK_MODES = [
  "ACCESS SHARE",
  "ROW SHARE",
  "ROW EXCLUSIVE",
  "SHARE UPDATE EXCLUSIVE",
  "SHARE",
  "SHARE ROW EXCLUSIVE",
  "EXCLUSIVE",
  "ACCESS EXCLUSIVE",
] as const;

export type LockMode = (typeof LOCK_MODES)[number];

/** `AccessExclusiveLock`, as `pg_locks` writes it. */
export function modeOf(name: string): LockMode | undefined {
  const words = name.replace(/Lock$/, "").replace(/(?<=[a-z])(?=[A-Z])/g, " ");
  return LOCK_MODES.find((mode) => mode === words.toUpperCase());
}

export function isAtLeast(mode: LockMode, least: LockMode): boolean {
  return LOCK_MODES.indexOf(mode) >= LOCK_MODES.indexOf(least);
}

/** Whether two sessions can't have these locks on one table: the table "Conflicting Lock Modes" of the same chapter. */
export function conflicts(one: LockMode, other: LockMode): boolean {
  return CONFLICTING[one].includes(other);
}

const CONFLICTING: Readonly<Record<LockMode, readonly LockMode[]>> = {
  "ACCESS SHARE": LOCK_MODES.slice(7),
  "ROW SHARE": LOCK_MODES.slice(6),
  "ROW EXCLUSIVE": LOCK_MODES.slice(4),
  "SHARE UPDATE EXCLUSIVE": LOCK_MODES.slice(3),
  SHARE: LOCK_MODES.slice(2).filter((mode) => mode !== "SHARE"),
  "SHARE ROW EXCLUSIVE": LOCK_MODES.slice(2),
  EXCLUSIVE: LOCK_MODES.slice(1),
  "ACCESS EXCLUSIVE": LOCK_MODES,
};

/** `SELECT` waits for it. */
export function blocksReads(mode: LockMode): boolean {
  return mode === "ACCESS EXCLUSIVE";
}

/** `INSERT`, `UPDATE` and `DELETE` wait for it. */
export function blocksWrites(mode: LockMode): boolean {
  return isAtLeast(mode, "SHARE");
}

export function strongest(modes: readonly LockMode[]): LockMode | undefined {
  return [...modes].sort((a, b) => LOCK_MODES.indexOf(b) - LOCK_MODES.indexOf(a))[0];
}
