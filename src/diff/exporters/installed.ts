/** Tools of npm, where the user's project has them. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

export interface Installed {
  /** Run by Node. */
  readonly program: string;
  readonly major: number;
}

/** Looks where Node looks: in the folder, and in those above it. `null`: it is not there. */
export function installed(name: string, folder: string): Installed | null {
  for (const one of upwards(folder)) {
    const home = join(one, "node_modules", name);
    if (!existsSync(join(home, "package.json"))) continue;
    const { bin, version } = JSON.parse(readFileSync(join(home, "package.json"), "utf8")) as {
      readonly bin?: string | Readonly<Record<string, string>>;
      readonly version?: string;
    };
    const program = typeof bin === "string" ? bin : bin?.[name];
    if (program !== undefined)
      return { program: join(home, program), major: Number.parseInt(version ?? "0", 10) };
  }
  return null;
}

/** The project that a file belongs to: the nearest folder with a package.json, or else `root`. */
export function projectOf(path: string, root: string): string {
  const start = existsSync(path) && statSync(path).isDirectory() ? path : dirname(path);
  return upwards(start).find((folder) => existsSync(join(folder, "package.json"))) ?? root;
}

function upwards(folder: string): readonly string[] {
  const above = dirname(resolve(folder));
  return above === resolve(folder) ? [above] : [resolve(folder), ...upwards(above)];
}
