/** One source for many targets: the files are listed once. A file that changes meanwhile is found out when it is read. */
import type { Listing, Source } from "./source.ts";

export function shareListing(source: Source): Source {
  let listing: Promise<Listing> | undefined;
  return {
    layout: source.layout,
    folder: source.folder,
    list() {
      listing ??= source.list();
      return listing;
    },
    read: (migration, direction) => source.read(migration, direction),
  };
}
