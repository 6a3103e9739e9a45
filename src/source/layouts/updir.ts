/** A folder for each migration, of no tool in particular. */

import type { Layout } from "../layout.ts";
import { discoverFolders } from "./folders.ts";

export const updir: Layout = {
  name: "updir",
  discover: (folder) => discoverFolders("updir", { folder }),
};
