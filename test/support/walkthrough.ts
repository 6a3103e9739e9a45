/** Follows a page like a reader: makes the files it shows, runs the commands it shows, compares what they print. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Block {
  /** The words behind the three backticks. */
  readonly info: string;
  readonly text: string;
}

export function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, info = "", text = ""]) => ({
    info,
    text,
  }));
}

export interface Said {
  readonly command: string;
  /** Both streams, in no particular order between them. */
  readonly lines: readonly string[];
  readonly expected: readonly string[];
}

/** Runs every `console` block and writes every block whose info names a file. */
export function follow(
  blocks: readonly Block[],
  world: { folder: string; command: string; env: NodeJS.ProcessEnv },
): readonly Said[] {
  const said: Said[] = [];
  for (const { info, text } of blocks) {
    const [language, file] = info.split(" ");
    if (file !== undefined && file !== "") {
      const path = join(world.folder, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    if (language !== "console") continue;
    for (const part of text.split(/^\$ /m).slice(1)) {
      const [command = "", ...expected] = part.trimEnd().split("\n");
      said.push({ command, lines: run(command, world), expected });
    }
  }
  return said;
}

/** `…` stands for anything within a line, and alone on its line for any lines. A duration may be in any unit. */
export function missing({ lines, expected }: Said): readonly string[] {
  return expected.filter((line) => line !== "…" && !lines.some((got) => matches(line, got)));
}

function matches(line: string, got: string): boolean {
  const pattern = line
    .replaceAll("… ms", "…")
    .split("…")
    .map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${pattern}$`).test(got);
}

function run(
  command: string,
  { folder, command: godwit, env }: { folder: string; command: string; env: NodeJS.ProcessEnv },
): readonly string[] {
  const [, ...words] = command.replace(/^npx /, "").split(" ");
  const { stdout, stderr, status } = spawnSync(process.execPath, [godwit, ...words], {
    cwd: folder,
    env,
    encoding: "utf8",
  });
  const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  return status === 0 ? lines : [...lines, `exit ${status}`];
}
