/** golang-migrate: pairs of files by number. The tool's history holds the last version only. Its files have no marker. */
import type { Layout } from "./layout.ts";
import { discoverPairs } from "./pairs.ts";

export const golangMigrate: Layout = {
  name: "golang-migrate",
  discover: (folder) =>
    discoverPairs("golang-migrate", { folder, keyOf: (version) => ({ version, checksums: [] }) }),
};
