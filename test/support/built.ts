/** Before tests that need no server: what they run of dist/ is what the sources say. */
import { buildIfNeeded } from "../../scripts/fresh.mjs";

export default function setup(): void {
  if (!buildIfNeeded({ types: false })) throw new Error("dist/ could not be built.");
}
