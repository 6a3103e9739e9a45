/**
 * Files of this package that other processes run. They are beside this file in `dist/`. A bundler moves this file and
 * leaves them behind, and then they are looked for in the installed package.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConfigError } from "../errors.ts";

export type OwnFile =
  | "user-code.js"
  | "import-worker.cjs"
  | "typescript-hooks.mjs"
  | "index.js"
  | "godwit.cjs";

/** The path of the file. Throws `ConfigError` `PACKAGE_BUNDLED`. */
export function ownFile(name: OwnFile): string {
  const folder = ownFolder();
  if (folder !== undefined) return join(folder, name);
  throw new ConfigError({
    code: "PACKAGE_BUNDLED",
    message: `Godwit is part of a bundle, and its own file ${name} is not beside it.`,
    hint: 'Leave godwit out of the bundle (`external: ["godwit"]`; in Next.js `serverExternalPackages: ["godwit"]`), and install it where the program runs.',
    details: { from: "program" },
  });
}

/** `require` as this package has it: it finds what is installed with the package. */
export function ownRequire(): NodeJS.Require {
  return createRequire(ownFile("user-code.js"));
}

function ownFolder(): string | undefined {
  // A bundle in CommonJS has no address.
  const here = import.meta.url as string | undefined;
  const own = here?.startsWith("file:") ? fileURLToPath(here) : undefined;
  // From source: what was built last.
  const beside = own === undefined ? [] : [dirname(own), join(dirname(own), "..", "..", "dist")];
  const isThere = (folder: string) => existsSync(join(folder, "user-code.js"));
  const places = [own, process.argv[1], join(process.cwd(), "package.json")];
  return (
    beside.find(isThere) ??
    places.flatMap((place) => (place === undefined ? [] : installedFrom(place))).find(isThere)
  );
}

function installedFrom(place: string): string[] {
  try {
    return [join(dirname(createRequire(place).resolve("godwit/package.json")), "dist")];
  } catch {
    return [];
  }
}
