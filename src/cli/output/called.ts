/** How people call Godwit: `npx godwit` where it is a dependency of their project, because it is on no path then. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Caller {
  /** A file of ours, without links. */
  readonly program: string;
  readonly workingFolder: string;
  /** The names of all commands. */
  readonly names: readonly string[];
}

/** Makes the function that writes the commands in a text as the reader must type them. */
export function sayAsCalled({ program, workingFolder, names }: Caller): (text: string) => string {
  if (!isFetched(program) && !isDependency(workingFolder)) return (text) => text;
  const follows = `(?:${names.join("|")}|<command>)(?![\\w/-])|--(?:help|version)\\b`;
  const command = new RegExp(`(?<![\\w./@-]|npx |exec |dlx )godwit (?=${follows})`, "g");
  return (text) => (text.includes("godwit ") ? text.replace(command, "npx godwit ") : text);
}

/** Whether npx has fetched it for one call. */
function isFetched(program: string): boolean {
  return /[\\/]_npx[\\/]/.test(program);
}

/** Whether npx finds it in this folder, or in one above. */
function isDependency(workingFolder: string): boolean {
  for (let folder = workingFolder; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "node_modules", "godwit", "package.json"))) return true;
    if (folder === dirname(folder)) return false;
  }
}
