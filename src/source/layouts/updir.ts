/** A folder for each migration, of no tool in particular. */

import { discoverFolders } from "./folders.ts";
import type { Layout } from "./layout.ts";

export const updir: Layout = {
  name: "updir",
  discover: (folder) => discoverFolders("updir", { folder }),
};
