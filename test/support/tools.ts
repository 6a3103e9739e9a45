/** A target on the folder of another tool, and that tool itself. */

import { spawnSync } from "node:child_process";
import type { Target } from "../../src/run/target.ts";
import { openInPlace } from "../../src/source/in-place.ts";
import { loadLayout } from "../../src/source/layouts.ts";
import { type TargetOptions, targetOf } from "./target.ts";

/** Why a test that this program judges cannot run here; CI has all of them. */
export function without(program: string, ...args: readonly string[]): string | false {
  const { status } = spawnSync(program, args, { stdio: "ignore" });
  return status === 0 ? false : `${program} is not installed`;
}

export async function targetIn(layout: string, options: TargetOptions): Promise<Target> {
  const source = openInPlace(await loadLayout(layout), options.folder, { placeholders: {}, environment: {} });
  return { ...targetOf(options), source };
}
