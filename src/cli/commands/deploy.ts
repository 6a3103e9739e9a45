/** `godwit init --docker` and its siblings: the files for a deployment. */
import { existsSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Config } from "../../config/config.ts";
import type { Answer } from "../command.ts";
import { writeNew } from "../files.ts";
import { KITS } from "../kits/kits.ts";
import { projectOf } from "../kits/project.ts";

/** Writes the files that are not there yet. What is there is somebody's, and stays. */
export async function writeKits(
  names: readonly string[],
  config: Config,
  typedFolder: unknown,
): Promise<Answer> {
  const project = projectOf(config, typedFolder);
  const kits = names.flatMap((name) => KITS[name] ?? []);
  const files = new Map(kits.flatMap((kit) => kit.files(project)).map(({ path, text }) => [path, text]));
  const made: string[] = [];
  const kept: string[] = [];
  const changed: string[] = [];
  for (const [path, text] of files) {
    const whole = join(config.root, path);
    if (!existsSync(whole)) {
      writeNew(whole, text);
      made.push(whole);
      continue;
    }
    kept.push(whole);
    if (readFileSync(whole, "utf8") !== text) changed.push(whole);
  }
  const shown = (paths: readonly string[]) => paths.map((path) => relative(process.cwd(), path)).join(", ");
  return {
    json: { made, kept },
    text: [
      made.length === 0 ? "Everything is there already." : `Made ${shown(made)}.`,
      ...(changed.length === 0
        ? []
        : [`Left as they are, and different from what would be made: ${shown(changed)}.`]),
      ...kits.flatMap((kit) => kit.next(project)).map((line) => `→ ${line}`),
    ].join("\n"),
    result: true,
  };
}
