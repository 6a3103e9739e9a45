import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";

/** The cache folder of every command and server of the tests, so that one data directory is made and all others are its copies. */
export const CACHE = join(root, ".cache", "xdg");

export const CACHED: NodeJS.ProcessEnv = { ...process.env, XDG_CACHE_HOME: CACHE };
