/** A source as a scratch server is given it: with some of its migrations, and with nobody to approve a backfill. */
import type { Migration } from "../core/migration.ts";
import type { Listing, Source } from "../source/source.ts";

export function listedSource(
  source: Source,
  { migrations, again }: { migrations: readonly Migration[]; again: string | null },
): Source {
  const asEdited = (one: Migration) => (one.id === again ? { ...one, ...EDITED } : one);
  return {
    get layout() {
      return source.layout;
    },
    folder: source.folder,
    list: async () => ({ migrations: migrations.map(asEdited), problems: [] }),
    read: (migration, direction) =>
      source.read(migrations.find(({ id }) => id === migration.id) ?? migration, direction),
    inform: (facts) => source.inform?.(facts),
  };
}

/** A repeatable runs again because its text is another one. */
const EDITED = { checksum: "sha256:edited", fingerprint: "tokens:edited" };

/** Nobody approves a backfill on a scratch server. */
export function withoutApproval(listing: Listing): Listing {
  return {
    ...listing,
    migrations: listing.migrations.map((migration) => {
      const { backfill } = migration;
      if (backfill === undefined) return migration;
      return { ...migration, backfill: { ...backfill, options: { ...backfill.options, approve: false } } };
    }),
  };
}

/** Only these of its migrations, as they are listed at the moment. */
export function limited(source: Source, only: ReadonlySet<string>): Source {
  return {
    get layout() {
      return source.layout;
    },
    folder: source.folder,
    async list() {
      const listing = await source.list();
      return { migrations: listing.migrations.filter(({ id }) => only.has(id)), problems: [] };
    },
    read: (...wanted) => source.read(...wanted),
    inform: (facts) => source.inform?.(facts),
  };
}
