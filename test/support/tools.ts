/** A target on the folder of another tool, and that tool itself. */

import type { Target } from "../../src/run/target.ts";
import { openInPlace } from "../../src/source/in-place.ts";
import { loadLayout } from "../../src/source/layouts.ts";
import { type TargetOptions, targetOf } from "./target.ts";

export async function targetIn(layout: string, options: TargetOptions): Promise<Target> {
  const source = openInPlace(await loadLayout(layout), options.folder, { placeholders: {}, environment: {} });
  return { ...targetOf(options), source };
}
