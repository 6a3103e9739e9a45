/**
 * `godwit build` freezes all migrations of a source into one folder, for images without a compiler.
 *
 *   godwit-bundle.json   the list: every migration with the checksum of its original file, and the hash of
 *                        every frozen file
 *   sql/                 the text of each direction
 *   modules/             compiled modules, with what they import from the migrations folder
 *
 * A bundle lists the same migrations with the same checksums as the folder it was made from. It is written next to its
 * final place, tested, and only then moved there. A build that fails leaves the old bundle untouched.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Direction, Migration, MigrationSettings } from "../../core/migration.ts";
import { type Problem, SourceError } from "../../errors.ts";
import { describeFault, parseJson } from "../../std/json.ts";
import { makeFolder } from "../../std/make-folder.ts";
import { type Modules, type ModulesOptions, openModules } from "../module/modules.ts";
import type { Content, Source } from "../source.ts";
import { readBytes } from "../text.ts";
import { freezeModule } from "./freeze.ts";

const MANIFEST = "godwit-bundle.json";

interface Manifest {
  readonly format: 1;
  readonly layout: string;
  readonly migrations: readonly Frozen[];
  /** The path in the bundle → the sha256 of the file's content. */
  readonly files: Readonly<Record<string, string>>;
}

interface Frozen {
  readonly migration: Migration;
  readonly up: FrozenContent;
  readonly down: FrozenContent | null;
}

interface FrozenContent {
  /** The path in the bundle, and the paths of everything that it imports there. */
  readonly path: string;
  readonly needs: readonly string[];
  /** Where it was in the original folder. */
  readonly file: string;
  readonly line: number;
  readonly settings?: MigrationSettings | undefined;
  readonly ownTransactions?: boolean | undefined;
}

/**
 * Freezes every migration of `source` into the folder `out`, replacing the bundle there. Throws `SourceError` with
 * everything that is wrong with the files, and then writes nothing.
 */
export async function writeBundle(source: Source, out: string, options: ModulesOptions): Promise<Source> {
  const place = resolve(out);
  if (existsSync(place) && readdirSync(place).length > 0 && !existsSync(join(place, MANIFEST)))
    throw broken(place, `${place} is not empty and not a bundle`, "Name another folder for the bundle.");
  const { migrations, problems } = await source.list();
  const found = [...problems, ...migrations.flatMap(({ problem }) => problem ?? [])];
  const draft = `${place}.${process.pid}.tmp`;
  try {
    const frozen: Frozen[] = [];
    const bundle = openDraft(draft);
    for (const migration of found.length === 0 ? migrations : [])
      frozen.push(await freeze(source, { migration, options, bundle }).catch(collect(found)));
    const [first, ...others] = found;
    if (first !== undefined) throw new SourceError([first, ...others]);
    const manifest: Manifest = { format: 1, layout: source.layout, migrations: frozen, files: bundle.files };
    bundle.write(MANIFEST, `${JSON.stringify(manifest, null, 1)}\n`);
    await prove(openBundle({ ...options, folder: draft }));
    rmSync(place, { recursive: true, force: true });
    renameSync(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return openBundle({ ...options, folder: place });
}

/**
 * Opens a bundle as a source. It needs neither the original files nor a compiler. If a frozen file is missing or was
 * changed, its migration gets a problem.
 */
export function openBundle(options: ModulesOptions & { readonly folder: string }): Source {
  const folder = resolve(options.folder);
  const manifest = readManifest(folder);
  const frozen = new Map(manifest.migrations.map((each) => [each.migration.id, each]));
  const modules = openModules(options);
  return {
    apart: () => openBundle(options),
    close: modules.close,
    layout: manifest.layout,
    folder,
    list: async () => ({
      migrations: manifest.migrations.map(({ migration, up, down }) => {
        const problem = [up, down]
          .flatMap((content) => content ?? [])
          .map((content) => verify(folder, manifest, content));
        const first = problem.find((each) => each !== null);
        return first ? { ...migration, problem: first } : migration;
      }),
      problems: [],
    }),
    read: async (migration, direction) => {
      const known = frozen.get(migration.id);
      const content = known?.[direction];
      if (!content || known?.migration.checksum !== migration.checksum)
        throw broken(folder, `The bundle ${folder} has no ${direction} of ${migration.id} as listed`);
      const problem = verify(folder, manifest, content);
      if (problem !== null) throw new SourceError([problem]);
      return readFrozen(folder, { migration, direction, content, modules });
    },
  };
}

type Draft = ReturnType<typeof openDraft>;

function openDraft(folder: string) {
  const files: Record<string, string> = {};
  return {
    files,
    write(path: string, content: string | Uint8Array): string {
      const hash = sha256(content);
      if ((files[path] ?? hash) !== hash)
        throw broken(path, `Two different files would both be ${path} in the bundle`, "Rename one of them.");
      makeFolder(dirname(join(folder, path)));
      writeFileSync(join(folder, path), content);
      files[path] = hash;
      return path;
    },
  };
}

async function freeze(
  source: Source,
  { migration, options, bundle }: { migration: Migration; options: ModulesOptions; bundle: Draft },
): Promise<Frozen> {
  if (migration.kind === "module") {
    const files = await freezeModule(source.folder, migration.file, options.cacheFolder);
    // Without it Node would look for a package.json above the bundle to decide what a .js file is.
    const kind = bundle.write("modules/package.json", '{ "type": "commonjs" }\n');
    const [path = "", ...needs] = files.map((file) => bundle.write(`modules/${file.file}`, file.content));
    const content = { path, needs: [...needs, kind], file: migration.file, line: 1 };
    return { migration, up: content, down: migration.revertible ? content : null };
  }
  const directions: Direction[] = migration.revertible ? ["up", "down"] : ["up"];
  const [up, down] = await Promise.all(
    directions.map(async (direction): Promise<FrozenContent> => {
      const content = await source.read(migration, direction);
      if (content.kind !== "sql") throw new Error(`${migration.file} was listed as SQL and read as a module`);
      const path = bundle.write(`sql/${encodeURIComponent(migration.id)}.${direction}.sql`, content.text);
      const { file, line, settings, ownTransactions } = content;
      return { path, needs: [], file, line, settings, ownTransactions };
    }),
  );
  return { migration, up: up as FrozenContent, down: down ?? null };
}

/** Records the error and goes on to the next migration, so that one build reports everything. */
function collect(found: Problem[]) {
  return (error: unknown): never => {
    if (!(error instanceof SourceError)) throw error;
    found.push(...error.problems);
    return undefined as never;
  };
}

/** Reads every migration back, and imports every module, as the image will do. */
async function prove(bundle: Source): Promise<void> {
  try {
    await proveEach(bundle);
  } finally {
    await bundle.close?.();
  }
}

async function proveEach(bundle: Source): Promise<void> {
  for (const migration of (await bundle.list()).migrations) {
    if (migration.problem !== undefined) throw new SourceError([migration.problem]);
    await bundle.read(migration, "up");
  }
}

async function readFrozen(
  folder: string,
  {
    migration,
    direction,
    content,
    modules,
  }: { migration: Migration; direction: Direction; content: FrozenContent; modules: Modules },
): Promise<Content> {
  const path = join(folder, content.path);
  const text = readFileSync(path, "utf8");
  const { file, line, settings, ownTransactions } = content;
  if (migration.kind !== "module") return { kind: "sql", text, file, line, settings, ownTransactions };
  await modules.load({ path, file, text });
  return modules.content({ path, file, text }, direction);
}

function verify(folder: string, manifest: Manifest, content: FrozenContent): Problem | null {
  for (const path of [content.path, ...content.needs]) {
    try {
      if (sha256(readBytes(join(folder, path), path)) === manifest.files[path]) continue;
    } catch (error) {
      if (error instanceof SourceError) return error.toProblem();
      throw error;
    }
    return {
      code: "SOURCE_FILE_CHANGED",
      message: `${path} of the bundle is not what was frozen from ${content.file}.`,
      hint: "Build the bundle again with `godwit build`.",
      place: { file: path },
    };
  }
  return null;
}

function readManifest(folder: string): Manifest {
  const path = join(folder, MANIFEST);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    throw broken(
      folder,
      `The bundle's ${path} cannot be read: ${(cause as Error).message}`,
      undefined,
      cause,
    );
  }
  const parsed = parseJson(text);
  if ("fault" in parsed) throw broken(folder, `The bundle's ${path} is ${describeFault(parsed.fault)}`);
  const manifest = parsed.value as Manifest;
  if (manifest.format === 1) return manifest;
  throw broken(folder, `The bundle ${folder} was written by another version of Godwit`);
}

function broken(
  folder: string,
  message: string,
  hint = "Build the bundle again with `godwit build`.",
  cause?: unknown,
) {
  return new SourceError(
    [{ code: "SOURCE_BUNDLE_BROKEN", message: `${message}.`, hint, place: { file: folder } }],
    { cause },
  );
}

function sha256(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}
