/** Follows a page like a reader: makes the files it shows, runs the commands it shows, compares what they print. */
import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, writeFileSync } from "node:fs";
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

/** The folders from the first one that was made down to the last. */
function foldersBetween(first: string | undefined, last: string): readonly string[] {
  if (first === undefined) return [];
  const folders = [last];
  for (let folder = last; folder !== first; folder = dirname(folder)) folders.push(dirname(folder));
  return folders;
}

export interface Said {
  readonly command: string;
  /** Both streams, in no particular order between them. */
  readonly lines: readonly string[];
  readonly expected: readonly string[];
}

export interface World {
  readonly folder: string;
  /** What stands for `godwit`: a program and its first words. */
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Who runs it, by number. Default: whoever runs the test. */
  readonly user?: number | undefined;
}

/** Runs every `console` block and writes every block whose info names a file. */
export function follow(blocks: readonly Block[], world: World): readonly Said[] {
  const said: Said[] = [];
  for (const { info, text } of blocks) {
    const [language, file] = info.split(" ");
    if (file !== undefined && file !== "") {
      const path = join(world.folder, file);
      const made = mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      if (world.user !== undefined)
        for (const one of [path, ...foldersBetween(made, dirname(path))])
          chownSync(one, world.user, world.user);
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
  { folder, command: [program = "", ...first], env, user }: World,
): readonly string[] {
  const [, ...words] = command.replace(/^npx /, "").split(" ");
  const { stdout, stderr, status, error } = spawnSync(program, [...first, ...words], {
    cwd: folder,
    env,
    encoding: "utf8",
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  if (error !== undefined) throw error;
  const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  return status === 0 ? lines : [...lines, `exit ${status}`];
}
