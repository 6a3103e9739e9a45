/** A source as a scratch server is given it: with some of its migrations, and with nobody to approve a backfill. */
import type { Migration } from "../core/migration.ts";
import type { Listing, Source } from "../source/source.ts";

/** Exactly these migrations. `again`: the repeatable that runs once more. */
export function listedSource(
  source: Source,
  { migrations, again }: { migrations: readonly Migration[]; again: string | null },
): Source {
  const asEdited = (one: Migration) => (one.id === again ? { ...one, ...EDITED } : one);
  return relisted(source, {
    list: async () => migrations.map(asEdited),
    read: (migration, direction) =>
      source.read(migrations.find(({ id }) => id === migration.id) ?? migration, direction),
  });
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
  const list = async () => (await source.list()).migrations.filter(({ id }) => only.has(id));
  return relisted(source, { list, read: (...wanted) => source.read(...wanted) });
}

function relisted(
  source: Source,
  { list, read }: { list: () => Promise<readonly Migration[]>; read: Source["read"] },
): Source {
  return {
    get layout() {
      return source.layout;
    },
    folder: source.folder,
    list: async () => ({ migrations: await list(), problems: [] }),
    read,
    inform: (facts) => source.inform?.(facts),
  };
}
