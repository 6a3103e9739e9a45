/** PostgreSQL's own parser, compiled to WebAssembly. It is loaded when the first text is linted. */
import { setFlagsFromString } from "node:v8";
import { ConfigError } from "../errors.ts";
import type { Tree } from "./tree.ts";

/** The statement as a tree. `null`: the parser refuses it. */
export type Parse = (statement: string) => Tree | null;

/** The optimizing compiler would take longer than all of the parsing. */
const QUICK = "--liftoff-only";

/** A bundle of an app may lack it. Throws `ConfigError` `PACKAGE_BUNDLED`. */
function refuseWithout(cause: unknown): never {
  throw new ConfigError(
    {
      code: "PACKAGE_BUNDLED",
      message: "libpg-query, which parses what is linted, is not installed here.",
      hint: "Install it where this runs: npm install libpg-query",
    },
    { cause },
  );
}

export async function loadParser(): Promise<Parse> {
  setFlagsFromString(QUICK);
  try {
    const { loadModule, parseSync } = await import("libpg-query").catch(refuseWithout);
    await loadModule();
    return (statement) => {
      try {
        const [first, ...others] = parseSync(statement).stmts ?? [];
        return first === undefined || others.length > 0 ? null : ((first.stmt ?? null) as Tree | null);
      } catch {
        return null;
      }
    };
  } finally {
    setFlagsFromString("--no-liftoff-only");
  }
}
