/** No secret of the suite is in a file that a program has left in a folder of a test. What the test wrote itself may hold one. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expectNoSecrets } from "./no-secrets.ts";

/** Of others, or large. `PG_VERSION` marks the folder of a server. */
const SKIPPED = new Set(["node_modules", ".git", ".next"]);
const LARGEST_BYTES = 4_000_000;

/** `own`: the paths that the test has written. */
export function expectNoSecretsBelow(folder: string, own: ReadonlySet<string>): void {
  for (const path of filesBelow(folder))
    if (!own.has(path)) expectNoSecrets(path, readFileSync(path, "latin1"));
}

function filesBelow(folder: string): readonly string[] {
  const names = entriesOf(folder);
  if (names.includes("PG_VERSION")) return [];
  return names.flatMap((name) => {
    const path = join(folder, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined || SKIPPED.has(name)) return [];
    if (stat.isDirectory()) return filesBelow(path);
    return stat.isFile() && stat.size <= LARGEST_BYTES ? [path] : [];
  });
}

/** Nothing where the test has taken its rights, or the folder itself. */
function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
