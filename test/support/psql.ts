/** Scripts of ours, run as people run them. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { folderOf } from "./target.ts";

/** What psql says if it stops at an error. `null`: the whole script went through. */
export function psql(url: string, script: string): string | null {
  const file = join(folderOf({ "script.sql": script }), "script.sql");
  const args = ["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", file, url];
  try {
    execFileSync("psql", args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
    return null;
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}
