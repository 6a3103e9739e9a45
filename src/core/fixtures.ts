/** Migrations and histories for the tests beside this file. */
import type { History, HistoryEntry } from "./history.ts";
import type { Migration } from "./migration.ts";
import type { Goal, PlanInput, Policy } from "./step.ts";

type MigrationOptions = Partial<Omit<Migration, "id" | "number">> & { text?: string };

/** The id `0001_a` gets the number 1; the id `a` gets none. */
export function migration(id: string, { text = id, ...options }: MigrationOptions = {}): Migration {
  return {
    id,
    kind: "sql",
    number: /^\d+/.exec(id)?.[0].replace(/^0+(?=\d)/, "") ?? null,
    file: `${id}.sql`,
    revises: null,
    depends: [],
    phase: "startup",
    checksum: `sha256:${text}`,
    fingerprint: null,
    revertible: true,
    settings: {},
    ...options,
  };
}

/** A revision whose id is one letter, as in Alembic's own tests. Each letter of `revises` and `depends` is an id. */
export function revision(id: string, revises: string, depends = ""): Migration {
  return migration(id, { revises: [...revises], depends: [...depends] });
}

export function entry(of: Migration, options: Partial<HistoryEntry> = {}): HistoryEntry {
  return {
    revision: of.id,
    sequence: 1,
    kind: of.kind,
    state: "applied",
    baseline: false,
    phase: of.phase,
    number: of.number,
    parents: [...(of.revises ?? []), ...of.depends],
    file: of.file,
    checksum: of.checksum,
    fingerprint: of.fingerprint,
    revertScript: null,
    minimumRevision: of.settings.minimumRevision ?? null,
    ...options,
  };
}

/** A history in which the items were applied in the order given. */
export function historyOf(...items: readonly (Migration | HistoryEntry)[]): History {
  const entries = items.map((item, index) => ({
    ...("revision" in item ? item : entry(item)),
    sequence: index + 1,
  }));
  return { entries, project: null };
}

export interface Asked extends Partial<Omit<PlanInput, "goal" | "policy" | "migrations">> {
  readonly to?: string;
  readonly goal?: Partial<Goal>;
  readonly policy?: Partial<Policy>;
}

export function inputOf(migrations: readonly Migration[], asked: Asked = {}): PlanInput {
  const { goal, policy, to, ...rest } = asked;
  return {
    migrations,
    problems: [],
    order: [],
    history: { entries: [], project: null },
    ...rest,
    goal: { direction: "up", to: to ?? "head", phases: ["startup", "import", "complex"], ...goal },
    policy: { outOfOrder: false, failure: "stop", project: null, ...policy },
  };
}
