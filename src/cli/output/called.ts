/** How people call Godwit: `npx godwit` where it is a dependency of their project, because it is on no path then. */
import { existsSync } from "node:fs";
import { join, sep } from "node:path";

/** Makes the function that writes commands in a text as the reader must type them. `names`: all commands. */
export function sayAsCalled(program: string, names: readonly string[]): (text: string) => string {
  if (!isDependency(program)) return (text) => text;
  const command = new RegExp(
    `(?<![\\w./@-]|npx |exec |dlx )godwit (?=(?:${names.join("|")}|<command>)(?![\\w/-])|--(?:help|version)\\b)`,
    "g",
  );
  return (text) => (text.includes("godwit ") ? text.replace(command, "npx godwit ") : text);
}

/** `program`: a file of ours, without links. Packages that are installed for the whole machine are on the path. */
function isDependency(program: string): boolean {
  const [before = "", ...inside] = program.split(`${sep}node_modules${sep}`);
  if (inside.length === 0 || /[\\/]global(?:[\\/]|$)/.test(before)) return false;
  return existsSync(join(before, "package.json"));
}
