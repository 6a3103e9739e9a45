/** One source for many targets: the files are listed once. A file that changes meanwhile is found out when it is read. */
import type { Listing, Source } from "./source.ts";

export function shareListing(source: Source): Source {
  let listing: Promise<Listing> | undefined;
  const sharing = (reader: Source): Source => ({
    // It may be known only when the files were listed.
    get layout() {
      return source.layout;
    },
    folder: source.folder,
    list() {
      listing ??= listOnce(source);
      return listing;
    },
    program: reader.program,
    ...(reader.inform === undefined ? {} : { inform: (facts) => reader.inform?.(facts) }),
    read: (migration, direction) => reader.read(migration, direction),
    // What the code of a migration does to its process must not reach the other targets.
    apart: () => sharing(reader.apart?.() ?? reader),
    close: async () => reader.close?.(),
  });
  return sharing(source);
}

async function listOnce(source: Source): Promise<Listing> {
  const lister = source.apart?.() ?? source;
  try {
    return await lister.list();
  } finally {
    await lister.close?.();
  }
}
