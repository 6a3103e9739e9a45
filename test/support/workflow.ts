/** Workflows of GitHub Actions: read by GitHub's own parser, and their commands run by a shell. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { root } from "../../scripts/fresh.mjs";
import type { Json } from "./command.ts";
import { folderOf } from "./target.ts";

/** What GitHub would say of it; empty if nothing. */
export async function workflowProblems(text: string): Promise<readonly string[]> {
  const { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } = await loadParser();
  const { context, value } = parseWorkflow({ name: "w.yml", content: text }, new NoOperationTraceWriter());
  const found = context.errors.getErrors().map(({ message }: Error) => message);
  if (value === undefined || found.length > 0) return found;
  const { errors = [] } = await convertWorkflowTemplate(context, value);
  return errors.map(({ Message }: { Message: string }) => Message);
}

/** Bundled, because it imports JSON in a way that this Node refuses. */
async function loadParser(): Promise<Json> {
  const folder = folderOf({ "package.json": '{"type":"module"}' });
  const outfile = join(folder, "parser.js");
  await build({
    stdin: { contents: 'export * from "@actions/workflow-parser";', resolveDir: root },
    ...{ bundle: true, platform: "node", format: "esm", outfile, logLevel: "silent" },
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return import(/* @vite-ignore */ pathToFileURL(outfile).href);
}

export interface StepRun {
  readonly name: string;
  readonly status: number | null;
  readonly output: string;
}

export interface Runner {
  /** The checkout of the pull request. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** Values of `${{ … }}` in the environment of a step. */
  readonly expressions: Readonly<Record<string, string>>;
}

/** The steps that run commands, one after the other, until one fails. Installing is somebody else's. */
export function runSteps(job: Json, { folder, env, expressions }: Runner): readonly StepRun[] {
  const done: StepRun[] = [];
  for (const { name = "", run, env: own = {} } of job.steps) {
    if (run === undefined || run.startsWith("npm ")) continue;
    const values = Object.entries<string>(own).map(([key, value]) => [
      key,
      value.replace(/\$\{\{ (.+?) \}\}/g, (_, expression: string) => expressions[expression] ?? ""),
    ]);
    // GitHub's own call of a shell that is named as bash.
    const { status, stdout, stderr } = spawnSync(
      "bash",
      ["--noprofile", "--norc", "-eo", "pipefail", "-c", run],
      {
        cwd: folder,
        env: { ...env, ...Object.fromEntries(values) },
        encoding: "utf8",
      },
    );
    done.push({ name, status, output: stdout + stderr });
    if (status !== 0) break;
  }
  return done;
}
