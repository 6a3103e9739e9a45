/** Pairs of files by number, for projects without a particular tool. */
import type { Layout } from "./layout.ts";
import { discoverPairs } from "./pairs.ts";

export const updown: Layout = {
  name: "updown",
  discover: (folder) => discoverPairs("updown", { folder }),
};
