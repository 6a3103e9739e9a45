/** A target on the folder of another tool, and that tool itself. */

import type { Target } from "../../src/run/target.ts";
import { openInPlace } from "../../src/source/in-place.ts";
import { LAYOUTS } from "../../src/source/layouts.ts";
import { type TargetOptions, targetOf } from "./target.ts";

export async function targetIn(layout: string, options: TargetOptions): Promise<Target> {
  const load = LAYOUTS[layout];
  if (load === undefined) throw new Error(`There is no layout ${layout}.`);
  const source = openInPlace(await load(), options.folder, { placeholders: {}, environment: {} });
  return { ...targetOf(options), source };
}
