import { homedir } from "node:os";

/**
 * The user's own folder. A container may run under a number without a name and without `HOME`. The folder is then `/`, as
 * container runtimes say it is.
 */
export function homeFolder(): string {
  try {
    return homedir() || "/";
  } catch {
    return "/";
  }
}
