/** The files as the ledger knows them, so that a draft is reverted by the way back of what was applied. */
import type { History } from "../core/history.ts";
import type { Migration } from "../core/migration.ts";
import type { Source } from "../source/source.ts";
import { didNothing } from "./decide.ts";

export interface AsAppliedInput {
  readonly migrations: readonly Migration[];
  readonly history: History;
  /** What is taken back. */
  readonly revisions: readonly string[];
}

/** Whether each of them can be reverted without the copy. */
export function haveWaysBack({ migrations, history, revisions }: AsAppliedInput): boolean {
  return revisions.every((revision) => {
    const entry = history.entries.find((each) => each.revision === revision);
    if (entry === undefined) return false;
    return entry.revertScript !== null || didNothing(entry) || isModule(migrations, revision);
  });
}

/**
 * The source without the files of drafts. The ledger has kept their ways back, which fit what was applied. It keeps none of a
 * module: its file is used as it is now. It keeps none of a file without statements either: nothing is to be done.
 */
export function asApplied(
  source: Source,
  { history, revisions }: Omit<AsAppliedInput, "migrations">,
): Source {
  const entries = new Map(history.entries.map((entry) => [entry.revision, entry]));
  const isNothing = (id: string) => {
    const entry = revisions.includes(id) ? entries.get(id) : undefined;
    return entry !== undefined && entry.revertScript === null && didNothing(entry);
  };
  return {
    ...source,
    async list() {
      const listing = await source.list();
      const migrations = listing.migrations.flatMap((migration): Migration | readonly Migration[] => {
        const { id, kind } = migration;
        const entry = entries.get(id);
        if (entry === undefined || isNothing(id)) return [];
        if (!revisions.includes(id)) return migration;
        return entry.revertScript === null && kind === "module" ? migration : [];
      });
      const nothing = revisions.filter(isNothing).flatMap((id): readonly Migration[] => {
        const entry = entries.get(id);
        if (entry === undefined) return [];
        const file = listing.migrations.find((each) => each.id === id);
        const known: Migration = file ?? {
          ...entry,
          id,
          revises: null,
          depends: [],
          settings: {},
          revertible: true,
        };
        return [{ ...known, kind: "sql", revertible: true, problem: undefined }];
      });
      return { ...listing, migrations: [...migrations, ...nothing], problems: [] };
    },
    async read(migration, direction) {
      if (!isNothing(migration.id)) return source.read(migration, direction);
      return { kind: "sql", text: "", file: migration.file, line: 1 };
    },
  };
}

/** The source without these files, which are not written yet. */
export function withoutFiles(source: Source, ids: ReadonlySet<string>): Source {
  if (ids.size === 0) return source;
  return {
    ...source,
    async list() {
      const listing = await source.list();
      return { ...listing, migrations: listing.migrations.filter(({ id }) => !ids.has(id)) };
    },
  };
}

function isModule(migrations: readonly Migration[], revision: string): boolean {
  return migrations.some(({ id, kind }) => id === revision && kind === "module");
}
