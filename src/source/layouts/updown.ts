/** Pairs of files by number, of no tool in particular. */
import type { Layout } from "./layout.ts";
import { discoverPairs } from "./pairs.ts";

export const updown: Layout = {
  name: "updown",
  discover: (folder) => discoverPairs("updown", { folder }),
};
