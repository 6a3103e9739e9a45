/** A folder for each migration, for projects without a particular tool. */

import { discoverFolders } from "./folders.ts";
import type { Layout } from "./layout.ts";

export const updir: Layout = {
  name: "updir",
  discover: (folder) => discoverFolders("updir", { folder }),
};
