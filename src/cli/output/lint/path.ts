/** How the file of a finding is named for whoever reads it. */
import { isAbsolute, join, relative, sep } from "node:path";
import type { LintFinding } from "../../../analysis/finding.ts";

/** With `/`, from a folder on: where the command runs, or the root of the repository. */
export function pathFrom(root: string, folder: string, { file }: Pick<LintFinding, "file">): string {
  const path = isAbsolute(file) ? file : join(folder, file);
  return relative(root, path).split(sep).join("/");
}
