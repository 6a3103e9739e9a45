/** Other tools as judges: the real programs, with nothing of this shell's environment, and no way out of this machine. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { root } from "../../scripts/fresh.mjs";
import { ledgerSchema, type TestDatabase } from "./database.ts";
import { stateOf } from "./state.ts";

export interface Said {
  readonly code: number | null;
  readonly text: string;
}

/** Whatever the exit status is, with all that it said. */
export function runTool(
  name: string,
  args: readonly string[],
  { folder, env = {} }: { folder: string; env?: Readonly<Record<string, string>> },
): Promise<Said> {
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: folder,
    DO_NOT_TRACK: "1",
    SUPABASE_TELEMETRY_DISABLED: "1",
    HTTPS_PROXY: "http://127.0.0.1:9",
    NO_PROXY: "127.0.0.1,localhost",
    ...env,
  };
  const path = join(root, "node_modules", ".bin", name);
  return new Promise((resolve) => {
    const options = { cwd: folder, env: environment, timeout: 25_000 };
    const child = execFile(path, [...args], options, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, text: `${stdout}${stderr}` }),
    );
  });
}

/** Like `runTool`; throws unless it succeeded. */
export async function succeed(...call: Parameters<typeof runTool>): Promise<string> {
  const { code, text } = await runTool(...call);
  if (code !== 0) throw new Error(`${call[0]} ${call[1].join(" ")} exited with ${code}:\n${text}`);
  return text;
}

/** What migrations made, without the histories of tools. */
export async function madeIn(db: TestDatabase, history: RegExp) {
  const { schema, rows } = await stateOf(db.admin);
  return {
    schema: schema.filter((line) => !history.test(line)),
    rows: Object.fromEntries(Object.entries(rows).filter(([table]) => !history.test(table))),
  };
}

/** As new: for the second of two that must come to the same. */
export async function emptied(db: TestDatabase, ...schemas: readonly string[]): Promise<void> {
  const names = ["public", ledgerSchema, ...schemas].map(
    (name) => `drop schema if exists "${name}" cascade;`,
  );
  await db.admin(`${names.join(" ")} create schema public; grant all on schema public to "${db.owner}"`);
}
