/** diesel: a folder for each migration. */

import { discoverFolders } from "./folders.ts";
import type { Layout } from "./layout.ts";

export const diesel: Layout = {
  name: "diesel",
  discover: (folder) =>
    discoverFolders("diesel", { folder, keyOf: (version) => ({ version, checksums: [] }) }),
};
