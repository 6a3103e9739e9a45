/** diesel: a folder for each migration. */

import type { Layout } from "../layout.ts";
import { discoverFolders } from "./folders.ts";

export const diesel: Layout = {
  name: "diesel",
  discover: (folder) =>
    discoverFolders("diesel", { folder, keyOf: (version) => ({ version, checksums: [] }) }),
};
