/** The commit that is being deployed, for the ledger, and the folder of the repository. The platform provides it, or it is read from `.git` directly. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const VARIABLES = [
  ...["GIT_COMMIT", "RAILWAY_GIT_COMMIT_SHA", "VERCEL_GIT_COMMIT_SHA", "GITHUB_SHA", "SOURCE_VERSION"],
  ...["CI_COMMIT_SHA", "RENDER_GIT_COMMIT", "HEROKU_SLUG_COMMIT", "COMMIT_SHA", "GIT_SHA"],
];

export function gitCommit(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  const told = VARIABLES.map((name) => environment[name]).find((value) =>
    /^[0-9a-f]{7,64}$/i.test(value ?? ""),
  );
  if (told !== undefined) return told;
  try {
    return readHead(folder);
  } catch {
    return null;
  }
}

function readHead(folder: string): string | null {
  const git = findGit(folder);
  if (git === null) return null;
  const head = readFileSync(join(git, "HEAD"), "utf8").trim();
  const reference = /^ref: (.+)$/.exec(head)?.[1];
  if (reference === undefined) return /^[0-9a-f]{40,64}$/.test(head) ? head : null;
  // A worktree has its own HEAD and shares its branches with the main repository.
  const common = join(git, "commondir");
  const shared = existsSync(common) ? resolve(git, readFileSync(common, "utf8").trim()) : git;
  const loose = join(shared, reference);
  if (existsSync(loose)) return readFileSync(loose, "utf8").trim();
  const packed = readFileSync(join(shared, "packed-refs"), "utf8").split("\n");
  return packed.find((line) => line.endsWith(` ${reference}`))?.split(" ")[0] ?? null;
}

const FOLDERS = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY"];

/** The folder that paths for code scanning are below. `null`: this is no repository. */
export function repositoryOf(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  const told = FOLDERS.map((name) => environment[name]).find((value) => (value ?? "") !== "");
  if (told !== undefined) return told;
  for (let one = resolve(folder); ; one = dirname(one)) {
    if (existsSync(join(one, ".git"))) return one;
    if (dirname(one) === one) return null;
  }
}

function findGit(from: string): string | null {
  for (let folder = from; ; folder = dirname(folder)) {
    const git = join(folder, ".git");
    const found = statSync(git, { throwIfNoEntry: false });
    if (found?.isDirectory()) return git;
    if (found?.isFile())
      return resolve(
        folder,
        readFileSync(git, "utf8")
          .replace(/^gitdir:/, "")
          .trim(),
      );
    if (dirname(folder) === folder) return null;
  }
}
