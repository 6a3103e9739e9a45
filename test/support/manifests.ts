/** The manifests of `deploy/` and of the examples as data, and what a compiler says of them. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { filesBelow } from "../../scripts/deploy.mjs";
import { root } from "../../scripts/fresh.mjs";
import type { Json } from "./command.ts";
import { folderOf } from "./target.ts";

export interface Manifest {
  /** From the root of the checkout. */
  readonly file: string;
  readonly content: Json;
}

/** Where each kind is declared in `kubernetes-types`. */
const TYPES: Readonly<Record<string, string>> = { Job: "batch/v1", Deployment: "apps/v1" };

const VALUES = { migrations: { image: "registry.example/shop-migrate:1", secret: "shop-database" } };

/** Everything that Kubernetes would be given, charts rendered. */
export function manifests(): readonly Manifest[] {
  const folders = ["deploy/kubernetes", "deploy/argo", "deploy/helm/templates", "examples/echomind/k8s"];
  return folders.flatMap((folder) =>
    filesBelow(join(root, folder)).flatMap((name) => {
      const file = `${folder}/${name}`;
      const text = readFileSync(join(root, file), "utf8");
      const whole = folder.startsWith("deploy/helm") ? render(text, VALUES) : text;
      return parseAllDocuments(whole).map((document) => {
        if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`);
        return { file, content: document.toJS() as Json };
      });
    }),
  );
}

/** As Helm does it, as far as the templates of a kit go: names of the release and required values. */
export function render(text: string, values: object): string {
  return text.replace(/\{\{ (.+?) \}\}/g, (whole, expression: string) => {
    if (expression === ".Release.Name") return "shop";
    const [, message, path] = /^required "([^"]+)" \.Values\.([\w.]+)$/.exec(expression) ?? [];
    if (message === undefined || path === undefined) throw new Error(`${whole} is not stood in for.`);
    const value = path.split(".").reduce((found: Json, key) => found?.[key], values);
    if (value === undefined || value === "") throw new Error(message);
    return String(value);
  });
}

/** What tsc says where each is assigned to the type of its kind; empty if it says nothing. */
export function typeErrors(some: readonly Manifest[]): string {
  const lines = some.map(({ file, content }, index) => {
    const type = TYPES[content.kind];
    if (type === undefined || content.apiVersion !== type)
      return `${file} has a kind that is not known: ${content.kind}`;
    const module = join(root, "node_modules", "kubernetes-types", type);
    return `// ${file}\nexport const m${index}: import(${JSON.stringify(module)}).${content.kind} = ${JSON.stringify(content, null, 1)};`;
  });
  const folder = folderOf({ "manifests.ts": `${lines.join("\n")}\nexport {};\n` });
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const options = [
    "--ignoreConfig",
    "--noEmit",
    "--strict",
    "--skipLibCheck",
    "--module",
    "nodenext",
    "--types",
    "",
  ];
  const { stdout } = spawnSync(process.execPath, [tsc, ...options, join(folder, "manifests.ts")], {
    encoding: "utf8",
  });
  return stdout;
}

/** A YAML file of the checkout. */
export function yamlOf(file: string): Json {
  return parse(readFileSync(join(root, file), "utf8"), { merge: true });
}
