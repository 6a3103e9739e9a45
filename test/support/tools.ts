/** A target on the folder of another tool, and that tool itself. */

import { spawnSync } from "node:child_process";
import type { Target } from "../../src/run/session/target.ts";
import { openInPlace } from "../../src/source/layouts/in-place.ts";
import { loadLayout } from "../../src/source/layouts/layouts.ts";
import { type TargetOptions, targetOf } from "./target.ts";

/** Why a test that needs this cannot run here, said aloud too: the program does not succeed. CI has all of them. */
export function without(what: string, program: string, ...args: readonly string[]): string | false {
  const { status } = spawnSync(program, args, { stdio: "ignore" });
  if (status === 0) return false;
  const reason = `${what} is not installed`;
  console.warn(`Skipped: ${reason}.`); // vitest shows the titles of skipped tests only when it is asked
  return reason;
}

/** The same for a package of the system's Python, which alone has those of Debian. */
export function withoutPython(what: string, name: string): string | false {
  return without(`${what} for ${PYTHON}`, PYTHON, "-c", `import ${name}`);
}

export const PYTHON = "/usr/bin/python3";

export async function targetIn(layout: string, options: TargetOptions): Promise<Target> {
  const source = openInPlace(await loadLayout(layout), options.folder, { placeholders: {}, environment: {} });
  return { ...targetOf(options), source };
}
